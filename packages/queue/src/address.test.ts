import { documentKey } from '@sluice/core';
import { expect, test } from 'vitest';
import { eachShard, openKey, shardOf, shardTag } from './address.ts';

const address = { line: 'main', epoch: 'e1', shards: 4 };

test('everything of a shard has one hash tag, and every epoch another', () => {
  const tag = shardTag(address, 3);
  expect(tag).toBe('{sluice:main:e1:3}');
  expect(openKey(tag, 'd00')).toMatch(/^\{sluice:main:e1:3\}:/);
  expect(shardTag({ ...address, epoch: 'e2' }, 3)).not.toBe(tag);
});

test('documents spread over the shards, each always in the same one', () => {
  const shards = Array.from({ length: 400 }, (_, i) => shardOf(documentKey({ line: 'main', id: `${i}` }), 4));
  for (const shard of [0, 1, 2, 3]) expect(shards.filter((other) => other === shard).length).toBeGreaterThan(60);
});

test('answers come back in the order asked, whatever the shards do', async () => {
  const items = Array.from({ length: 50 }, (_, i) => ({ key: documentKey({ line: 'main', id: `${i}` }), i }));
  const answers = await eachShard(items, address, async (shard, mine) => {
    await Promise.resolve(shard);
    return mine.map(({ i }) => i * 2);
  });
  expect(answers).toEqual(items.map(({ i }) => i * 2));
});
