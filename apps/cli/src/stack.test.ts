import type { StackState } from '@sluice/embedded';
import { expect, test } from 'vitest';
import { stackRemarks } from './stack.ts';

const state: StackState = { startedBy: 1, startedAt: '2026-01-01T00:00:00Z', openPorts: [], servers: [] };

test('open ports and a Milvus for development alone are said; a stack without either has nothing to say', () => {
  const open = stackRemarks({
    ...state,
    milvusKind: 'milvus',
    openPorts: [
      { name: 'milvus proxy', port: 19530 },
      { name: 'milvus metrics', port: 9091 },
    ],
  });
  expect(open).toEqual([expect.stringMatching(/every interface.*19530, 9091.*Do not run it on a network/)]);
  expect(stackRemarks({ ...state, milvusKind: 'milvus-lite' })).toEqual([
    expect.stringContaining('for development only'),
  ]);
  expect([stackRemarks(state), stackRemarks(undefined)]).toEqual([[], []]);
});
