import { once } from 'node:events';
import { expect, test } from 'vitest';
import { whileAllowed } from './while-allowed.ts';

const closing = new AbortController().signal;
type Keys = Parameters<typeof whileAllowed>[1]['keys'];
const key = { id: 'k' } as NonNullable<Awaited<ReturnType<Keys['read']>>>;

/** Answers one look each, the last for ever. */
function keysThat(looks: (() => Promise<unknown>)[]): Keys {
  const look = async () => (looks.length > 1 ? looks.shift()! : looks[0]!)();
  return { read: look, configured: look } as unknown as Keys;
}

test('what is open under a key ends when it is revoked, and an outage of Redis is no revocation', async () => {
  let looks = 0;
  const said = async () => {
    looks += 1;
    return key;
  };
  const away = () => Promise.reject(new Error('away'));
  const keys = keysThat([said, away, said, async () => undefined]);
  const { signal } = whileAllowed({ keyId: 'k', name: 'crawler' }, { keys, closing, lookMs: 1 });
  await once(signal, 'abort');
  expect([looks, signal.reason.code]).toEqual([2, 'unauthorized']);
});

test('what is open because there is no key ends when there is one', async () => {
  const keys = keysThat([async () => false, async () => true]);
  const { signal } = whileAllowed({ keyId: undefined, name: 'loopback' }, { keys, closing, lookMs: 1 });
  await once(signal, 'abort');
  expect(signal.reason.code).toBe('unauthorized');
});
