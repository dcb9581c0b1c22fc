import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { requireLockFolder } from './milvus.ts';

test('Milvus may lock in any folder that can be made; where there is none it says whose they are', async () => {
  const free = join(mkdtempSync(join(tmpdir(), 'sluice-run-')), 'milvus');
  await requireLockFolder(['/dev/null/milvus', free]);
  await requireLockFolder([free]);
  await expect(requireLockFolder(['/dev/null/milvus'])).rejects.toMatchObject({
    code: 'setup_failed',
    what: expect.stringContaining('another user'),
    fix: expect.stringContaining('SLUICE_MILVUS_ADDRESS'),
  });
});
