/** The kill loop in short: ten kills of everything but the shared Milvus, while documents change. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { runKillLoop } from './kill-loop.ts';
import { whatIsBroken } from './kill-loop-verdict.ts';

test('nothing is lost, doubled, stale or left over when workers, producers, Redis and the engine are killed', async () => {
  const home = await mkdtemp(join(tmpdir(), 'sluice-kill-'));
  const result = await runKillLoop({
    kills: 10,
    seed: 1,
    documents: 40,
    workers: 2,
    home,
    sharedMilvus: inject('stack').milvus,
    pace: 0.2,
    onProgress: () => undefined,
  });
  // How soon is the long form's matter: this machine may be busy with other tests.
  expect(whatIsBroken({ ...result, pickUpServed: undefined })).toEqual([]);
  expect(result.findings.rows).toBeGreaterThan(40);
  await rm(home, { recursive: true });
}, 600_000);
