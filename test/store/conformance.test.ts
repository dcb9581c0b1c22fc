/** The suite that `sluice doctor --deep` asks of a user's Milvus, on the one that ships with the project, and on one that breaks it. */
import { silentLogger } from '@sluice/core';
import { connectStore } from '@sluice/store';
import { expect, test } from 'vitest';
import { createSluice } from '../e2e/sluice.ts';
import { startMilvusEdge } from '../faults/milvus-edge.ts';
import { sharedStack, testLine } from '../support/stack.ts';

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

test('doctor --deep names each assumption that a server breaks, and goes on with the others', {
  timeout: 400_000,
}, async () => {
  const { milvus } = sharedStack();
  const edge = await startMilvusEdge(milvus.address);
  const store = await connectStore({ ...milvus, logger: silentLogger });
  try {
    // It acknowledges without a count, and deletions that it does not carry out.
    let upserts = 0;
    edge.become((method) => {
      const swallowed = method === 'Delete' || (method === 'Upsert' && ++upserts === 1);
      return swallowed ? { errorCode: 'Success', code: 0 } : undefined;
    });
    const sluice = createSluice(testLine(), { SLUICE_MILVUS_ADDRESS: `${edge.host}:${edge.port}` });
    const { code, lines } = await sluice.run(['doctor', '--deep', '--json']);
    const { checks } = lines[0] as unknown as {
      checks: Record<'part' | 'name' | 'status' | 'detail' | 'fix', string>[];
    };
    const broken = checks.filter(({ part, status }) => part === 'milvus' && status === 'fail');
    expect([code, broken.map(({ name }) => name)]).toEqual([3, ['upsert counts', 'key ranges', 'deletes']]);
    for (const { detail, fix } of broken) {
      expect(detail).toMatch(/^not held: .+; got .+/);
      expect(fix).toMatch(/docs\/operating\.md/);
    }
    const held = checks.filter(({ part, status }) => part === 'milvus' && status === 'ok').map(({ name }) => name);
    expect(held).toEqual(['version', 'properties', 'Strong reads', 'duplicate keys', 'values', 'search']);
    expect((await store.listLines()).filter(({ line }) => line.startsWith('doctor-'))).toEqual([]);
  } finally {
    await store.close();
    await edge.close();
  }
});
