/**
 * A worker process like `sluice worker`, except that it waits seconds instead of half a minute before it takes another process
 * for dead. Its settings come from the environment.
 */
import { createLogger, createReleaser, loadConfig } from '@sluice/core';
import { planSpace } from '@sluice/line';
import { startLineWorker } from '@sluice/worker';

const { config } = loadConfig([{ name: 'environment', values: process.env }]);
const releaser = createReleaser();
const worker = await startLineWorker({
  config,
  plan: planSpace(config),
  logger: createLogger({ service: 'worker' }),
  releaser,
  ledger: { workerDeadMs: 1_500 },
  timing: { lockMs: 2_000, stalledIntervalMs: 300, heartbeatMs: 500 },
});
process.once('SIGTERM', () => void worker.close());
await worker.finished;
await releaser.release();
