/**
 * The product's bulk run as a process that stays: each order is one run over NDJSON, or a delete, answered when it is accepted.
 * Its hook stops it at an armed step, like the worker's.
 */
import { Readable } from 'node:stream';
import { createChunkerPool } from '@sluice/chunker';
import { createLogger, createReleaser, documentKey, loadConfig, systemClock } from '@sluice/core';
import { type Line, openLine, planLine } from '@sluice/line';
import { type HandInStep, ingest } from '@sluice/producer';

export type ProducerOrder =
  | { arm: HandInStep }
  | { go: true }
  | { handIn: string; batch: number }
  | { remove: string[]; batch: number };

export type ProducerMessage =
  | { type: 'ready' }
  | { type: 'at'; step: HandInStep; documents: string[] }
  /** Everything of the batch is accepted, or was before. */
  | { type: 'accepted'; batch: number }
  /** The run ended otherwise: what of it was accepted is not known. */
  | { type: 'failed'; batch: number; code: string };

const { config } = loadConfig([{ name: 'environment', values: process.env }]);
const logger = createLogger({ service: 'producer', level: config.SLUICE_LOG_LEVEL });
const tell = (message: ProducerMessage) => process.send?.(message);
let armed: HandInStep | undefined;
let goOn: (() => void) | undefined;

process.once('disconnect', () => process.exit());
if (!process.connected) process.exit(); // its parent ended while it was loading

const plan = await planLine(config);
const pool = await createChunkerPool({ threads: 1, limits: plan.limits });
const line = await open();
process.on('message', (order: ProducerOrder) => {
  if ('arm' in order) {
    armed = order.arm;
  } else if ('go' in order) {
    armed = undefined;
    goOn?.();
  } else void carryOut(order);
});
tell({ type: 'ready' });

async function carryOut(order: Exclude<ProducerOrder, { arm: unknown } | { go: true }>): Promise<void> {
  const { batch } = order;
  try {
    if ('remove' in order) {
      await line.ledger.remove(order.remove.map((id) => ({ key: documentKey({ line: line.name, id }) })));
    } else {
      const { exitCode } = await ingest({
        line,
        plan,
        pool,
        paths: ['-'],
        stdin: Readable.from([Buffer.from(order.handIn)]),
        recut: false,
        prune: false,
        pruneMax: 1,
        wait: false,
        ensureWorker: async () => undefined,
        signal: new AbortController().signal,
        listener: () => undefined,
        onStep,
      });
      if (exitCode !== 0) return void tell({ type: 'failed', batch, code: `exit ${exitCode}` });
    }
    tell({ type: 'accepted', batch });
  } catch (error) {
    logger.error({ err: error }, 'the run failed');
    tell({ type: 'failed', batch, code: (error as { code?: string }).code ?? 'defect' });
  }
}

async function open(): Promise<Line> {
  for (;;) {
    const releaser = createReleaser();
    try {
      return await openLine(config, plan, { role: 'producer', logger, releaser });
    } catch (error) {
      await releaser.release();
      if ((error as { verdict?: string }).verdict !== 'retry') throw error;
      await systemClock.sleep(500);
    }
  }
}

function onStep(step: HandInStep, documents: readonly string[]): Promise<void> | void {
  if (step !== armed) return;
  armed = undefined;
  return new Promise((resolve) => {
    goOn = resolve;
    tell({ type: 'at', step, documents: [...documents] });
  });
}
