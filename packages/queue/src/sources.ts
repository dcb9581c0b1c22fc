/** Sources: a name that a bulk run reads under, which remembers its root. The number is what the ledger keeps of it. */
import { SluiceError } from '@sluice/core';
import type { Redis } from 'ioredis';
import { guarded } from './errors.ts';

export interface Source {
  number: number;
  name: string;
  root: string;
}

export interface Sources {
  /** The source's number; the first claim of a name fixes its root. Throws `source_root_changed`. */
  claim(name: string, root: string): Promise<number>;
  /** Number of a source that was claimed before. */
  numberOf(name: string): Promise<number | undefined>;
  list(): Promise<Source[]>;
  /** Forgets all of them; part of dropping a line. */
  forget(): Promise<void>;
}

/** A hash: name → `<number> <root>`; `#` is the last number given. One step, so that two runs never share a number. */
const claimScript = `
local known = redis.call('hget', KEYS[1], ':' .. ARGV[1])
if known then return known end
local value = redis.call('hincrby', KEYS[1], '#', 1) .. ' ' .. ARGV[2]
redis.call('hset', KEYS[1], ':' .. ARGV[1], value)
return value`;

export function openSources(redis: Redis, line: string): Sources {
  const key = `{sluice:${line}}:sources`;
  const split = (value: string) => {
    const space = value.indexOf(' ');
    return { number: Number(value.slice(0, space)), root: value.slice(space + 1) };
  };

  return {
    async claim(name, root) {
      const source = split((await guarded(() => redis.eval(claimScript, 1, key, name, root))) as string);
      if (source.root !== root) {
        throw new SluiceError('source_root_changed', {
          message: `The source ${JSON.stringify(name)} was read from another folder before`,
          where: root,
          expected: source.root,
          got: root,
        });
      }
      return source.number;
    },

    async numberOf(name) {
      const known = await guarded(() => redis.hget(key, `:${name}`));
      return known === null ? undefined : split(known).number;
    },

    async list() {
      const all = await guarded(() => redis.hgetall(key));
      return Object.entries(all)
        .filter(([name]) => name !== '#')
        .map(([name, value]) => ({ name: name.slice(1), ...split(value) }))
        .sort((a, b) => a.number - b.number);
    },

    async forget() {
      await guarded(() => redis.unlink(key));
    },
  };
}
