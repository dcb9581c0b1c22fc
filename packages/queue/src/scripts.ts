/**
 * The ledger's Lua, one file a verb, each behind a shared preamble and the transitions. A script is sent by its hash and in full only to a server
 * that does not know it yet. Items go in as one JSON argument; answers come back as arrays of strings.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { toQueueError } from './errors.ts';

const verbs = [
  'abandon',
  'adopt',
  'attempt',
  'begin',
  'blame',
  'compare',
  'commit',
  'dead',
  'distrust',
  'drop',
  'fence',
  'mark',
  'prepare',
  'read',
  'release',
  'remove',
  'reserve',
  'retry',
  'settled',
  'sweep',
  'take',
] as const;

export type Verb = (typeof verbs)[number];

const read = (name: string) => readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
const shared = `${read('preamble')}\n${read('transitions')}`;
const sources = new Map(
  verbs.map((verb) => {
    const source = `${shared}\n${read(verb)}`;
    return [verb, { source, sha: createHash('sha1').update(source).digest('hex') }];
  }),
);

/** Runs one verb on one shard. Throws a SluiceError `queue_*`. */
export async function runScript(
  redis: Redis,
  verb: Verb,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  const { source, sha } = sources.get(verb)!;
  try {
    return await redis.evalsha(sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error as Error).message?.startsWith('NOSCRIPT')) throw toQueueError(error);
  }
  try {
    return await redis.eval(source, keys.length, ...keys, ...args);
  } catch (error) {
    throw toQueueError(error);
  }
}
