/**
 * Sessions of people in a browser. The cookie holds 256 random bits; Redis holds their SHA-256 and the id of the key that
 * opened the session, so that a revoked key ends its sessions and every process of the service knows them all.
 */
import { createHash, randomBytes } from 'node:crypto';
import { guarded, type Redis } from '@sluice/queue';

export interface Sessions {
  /** The token for the cookie. */
  open(keyId: string): Promise<string>;
  /** Id of the key that opened it; undefined where it has ended. */
  keyOf(token: string): Promise<string | undefined>;
  close(token: string): Promise<void>;
}

export const SESSION_SECONDS = 43_200;
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

export function openSessions(redis: Redis): Sessions {
  const keyFor = (token: string) => `{sluice}:session:${createHash('sha256').update(token).digest('hex')}`;
  return {
    async open(keyId) {
      const token = randomBytes(32).toString('base64url');
      await guarded(() => redis.set(keyFor(token), keyId, 'EX', SESSION_SECONDS));
      return token;
    },
    async keyOf(token) {
      if (!TOKEN.test(token)) return undefined;
      return (await guarded(() => redis.get(keyFor(token)))) ?? undefined;
    },
    async close(token) {
      if (TOKEN.test(token)) await guarded(() => redis.del(keyFor(token)));
    },
  };
}
