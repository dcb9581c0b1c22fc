/** The suite that `sluice doctor --deep` asks of a user's Milvus, on the one that ships with the project. */
import { silentLogger } from '@sluice/core';
import { connectStore } from '@sluice/store';
import { expect, test } from 'vitest';
import { sharedStack } from '../support/stack.ts';

test('every assumption holds, and the scratch collection is gone afterwards', { timeout: 400_000 }, async () => {
  const store = await connectStore({ ...sharedStack().milvus, logger: silentLogger });
  try {
    const asked = [];
    for await (const assumption of store.conformance()) asked.push(assumption);
    expect(asked.filter(({ held }) => !held)).toEqual([]);
    expect(asked.map(({ name }) => name)).toEqual([
      'properties',
      'upsert counts',
      'Strong reads',
      'key ranges',
      'deletes',
      'duplicate keys',
      'values',
      'search',
    ]);
    expect((await store.listLines()).filter(({ line }) => line.startsWith('doctor-'))).toEqual([]);
  } finally {
    await store.close();
  }
});
