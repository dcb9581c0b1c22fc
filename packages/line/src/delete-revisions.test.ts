import { revisionKey } from '@sluice/core';
import { expect, test } from 'vitest';
import { deleteRevisions } from './delete-revisions.ts';

test('what is deleted by hand is noted first, so that a killed Milvus does not bring it back', async () => {
  const did: string[] = [];
  const key = `d${'0'.repeat(20)}`;
  const line = {
    info: { collection: 'c' },
    ledger: { noteDeletions: async (spans: object) => void did.push(`noted ${JSON.stringify(spans)}`) },
    store: { deleteRanges: async (_: string, spans: object) => void did.push(`deleted ${JSON.stringify(spans)}`) },
  };
  await deleteRevisions(line as never, [{ key, revision: '7' }]);
  const spans = JSON.stringify([{ from: revisionKey(key, '7'), to: `${revisionKey(key, '7')}g` }]);
  expect(did).toEqual([`noted ${spans}`, `deleted ${spans}`]);
});
