/**
 * API keys. A key is `sluice_<id>_<secret>`; Redis holds the SHA-256 of the secret (256 random bits need no slow hash), never the
 * secret. Keys belong to the Redis, not to a line: which lines one may use is part of it.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { SluiceError } from '@sluice/core';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { guarded } from './errors.ts';

/** `ingest` hands in and deletes, `read` looks and searches, `admin` does both and changes what others did. */
export const scopes = ['ingest', 'read', 'admin'] as const;
export type Scope = (typeof scopes)[number];

const perMinute = z.number().int().min(1).optional();

const recordSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  /** SHA-256 of the secret, base64url. */
  digest: z.string(),
  scopes: z.array(z.enum(scopes)),
  /** Names of lines; `*` is every line. */
  lines: z.array(z.string()),
  /** The key's documents belong to this tenant, whatever a request says. */
  tenant: z.string().optional(),
  limits: z.strictObject({ requests: perMinute, bytes: perMinute, tokens: perMinute }),
  /** Wall clock, ms. */
  createdAt: z.number(),
});

type KeyRecord = z.infer<typeof recordSchema>;
/** Allowances a minute; absent: none. */
export type KeyLimits = KeyRecord['limits'];
export type ApiKey = Omit<KeyRecord, 'digest'>;
export type NewApiKey = Pick<ApiKey, 'name' | 'scopes' | 'lines' | 'tenant' | 'limits'>;

export interface ApiKeys {
  /** The key itself is shown this once. Throws `key_exists`. */
  add(key: NewApiKey): Promise<{ key: ApiKey; token: string }>;
  list(): Promise<ApiKey[]>;
  /** Services that run notice within two seconds. Throws `unknown_key`. */
  revoke(name: string): Promise<ApiKey>;
  /** The key that a token belongs to; undefined where there is none. */
  verify(token: string): Promise<ApiKey | undefined>;
  /** A key that was verified before; undefined once it is revoked. */
  read(id: string): Promise<ApiKey | undefined>;
  /** Whether there is any key at all. */
  configured(): Promise<boolean>;
}

const KEYS = '{sluice}:keys';
const TOKEN = /^sluice_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;
/** How long a look at Redis is good for. */
const FRESH_MS = 2_000;
/** What an unknown id is compared with, so that it takes as long as a known one. */
const NOBODY = createHash('sha256').update(randomBytes(32)).digest();

export function openApiKeys(
  redis: Redis,
  { now = Date.now, monotonicMs = () => performance.now() }: { now?: () => number; monotonicMs?: () => number } = {},
): ApiKeys {
  let known: { at: number; byId: Promise<Map<string, KeyRecord>> } | undefined;

  function load(): Promise<Map<string, KeyRecord>> {
    if (known !== undefined && monotonicMs() - known.at < FRESH_MS) return known.byId;
    const byId = guarded(async () => {
      const saved = await redis.hgetall(KEYS);
      return new Map(Object.entries(saved).map(([id, json]) => [id, recordSchema.parse(JSON.parse(json))]));
    });
    known = { at: monotonicMs(), byId };
    byId.catch(() => {
      known = undefined;
    });
    return byId;
  }

  async function loadNow(): Promise<Map<string, KeyRecord>> {
    known = undefined;
    return load();
  }

  return {
    async add(wanted) {
      const records = await loadNow();
      if ([...records.values()].some(({ name }) => name === wanted.name)) {
        throw new SluiceError('key_exists', { message: `There is a key "${wanted.name}" already` });
      }
      const id = randomBytes(6).toString('hex');
      const secret = randomBytes(32).toString('base64url');
      const record: KeyRecord = { ...wanted, id, digest: digestOf(secret).toString('base64url'), createdAt: now() };
      await guarded(() => redis.hset(KEYS, id, JSON.stringify(record)));
      known = undefined;
      return { key: withoutDigest(record), token: `sluice_${id}_${secret}` };
    },

    async list() {
      return [...(await loadNow()).values()].map(withoutDigest).sort((a, b) => a.createdAt - b.createdAt);
    },

    async revoke(name) {
      const record = [...(await loadNow()).values()].find((candidate) => candidate.name === name);
      if (record === undefined) throw new SluiceError('unknown_key', { message: `There is no key "${name}"` });
      await guarded(() => redis.hdel(KEYS, record.id));
      known = undefined;
      return withoutDigest(record);
    },

    async verify(token) {
      const [, id = '', secret = ''] = TOKEN.exec(token) ?? [];
      const record = (await load()).get(id);
      const expected = record === undefined ? NOBODY : Buffer.from(record.digest, 'base64url');
      return timingSafeEqual(digestOf(secret), expected) && record !== undefined ? withoutDigest(record) : undefined;
    },

    async read(id) {
      const record = (await load()).get(id);
      return record === undefined ? undefined : withoutDigest(record);
    },

    async configured() {
      return (await load()).size > 0;
    },
  };
}

function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function withoutDigest({ digest, ...key }: KeyRecord): ApiKey {
  return key;
}
