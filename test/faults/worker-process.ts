/**
 * The product's worker as a process that stops where it is told: its hook tells the parent that an armed step was reached and
 * waits there until it may go on, is stopped or killed. Settings come from the environment, as for the command.
 */
import { createLogger, createReleaser, loadConfig, systemClock } from '@sluice/core';
import { planSpace } from '@sluice/line';
import { startLineWorker, type WorkerStep } from '@sluice/worker';

/**
 * `go`: goes on from where it stands, and stops at no step until it is armed again. `blockMs`: its event loop does nothing else for so
 * long. `reject`: a promise that nobody awaits.
 */
export type WorkerOrder = { arm: WorkerStep } | { go: true } | { blockMs: number } | { reject: true };

export type WorkerMessage =
  | { type: 'ready'; id: string }
  | { type: 'at'; step: WorkerStep; chunks: string[] }
  /** In its hands from now on, and no more. */
  | { type: 'took' | 'marked'; chunks: string[] }
  | { type: 'stopped'; code: string };

const { config } = loadConfig([{ name: 'environment', values: process.env }]);
const logger = createLogger({ service: 'worker', level: config.SLUICE_LOG_LEVEL });
const releaser = createReleaser();
const tell = (message: WorkerMessage) => process.send?.(message);
let armed: WorkerStep | undefined;
let goOn: (() => void) | undefined;

process.on('message', (order: WorkerOrder) => {
  if ('blockMs' in order) return void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, order.blockMs);
  if ('reject' in order) return void Promise.reject(new Error('a defect'));
  armed = 'arm' in order ? order.arm : undefined;
  if ('go' in order) goOn?.();
});
process.once('disconnect', () => process.exit());
if (!process.connected) process.exit(); // its parent ended while it was loading
// A line that was handed to a process ends with it: nothing is left to close that a killed one would have closed.
process.once('SIGTERM', () => void releaser.release().finally(() => process.exit()));

for (;;) {
  try {
    const worker = await startLineWorker({ config, plan: planSpace(config), logger, releaser, onStep });
    tell({ type: 'ready', id: worker.id });
    await worker.finished;
    process.exit(0);
  } catch (error) {
    const { code = 'defect', verdict } = error as { code?: string; verdict?: string };
    logger.error({ err: error }, 'the worker ended');
    if (verdict !== 'retry') {
      tell({ type: 'stopped', code });
      process.exit(1);
    }
    // Redis or Milvus is away at the start: a supervisor would start the process again.
    await systemClock.sleep(500);
  }
}

function onStep(step: WorkerStep, chunks: readonly string[]): Promise<void> | void {
  if (step === 'before fence 1') tell({ type: 'took', chunks: [...chunks] });
  if (step === 'after mark') tell({ type: 'marked', chunks: [...chunks] });
  if (step !== armed) return;
  armed = undefined;
  return new Promise((resolve) => {
    goOn = resolve;
    tell({ type: 'at', step, chunks: [...chunks] });
  });
}
