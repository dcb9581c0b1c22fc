/**
 * Where a line ends whose engine costs nothing. Everything is queued first, on a paused line, and the workers have started before it is
 * resumed: neither a producer nor a start is in the figure. Measured is the middle of the run, when all workers work; what each
 * process took of the machine meanwhile says what was full.
 */
import { availableParallelism, cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { createReleaser, loadConfig, silentLogger } from '@sluice/core';
import { openExistingLine } from '@sluice/line';
import type { IngestSummary } from '@sluice/producer';
import { type BenchStack, cpuMsOf } from '../stack/bench-stack.ts';
import { whatIsFull } from './what-is-full.ts';

/** Shares of the tokens that are stored when the measurement begins and ends. */
const FROM = 0.3;
const TO = 0.95;
const POLL_MS = 20;

export interface NullLine {
  chunksPerSecond: number;
  tokensPerSecond: number;
  /** Of the whole folder. */
  tokens: number;
  /** Cores that each kind of process used. */
  cores: Record<string, number>;
  full: string;
}

export async function nullLine(
  stack: BenchStack,
  folder: string,
  engineUrl: string,
  workers: number,
): Promise<NullLine> {
  const releaser = createReleaser();
  try {
    const settings = {
      SLUICE_ENGINE: 'modelled',
      SLUICE_ENGINE_URL: engineUrl,
      SLUICE_LINE: `null-${workers}`,
      SLUICE_DIMENSION: '1024',
    };
    const queueing = stack.sluice(['ingest', folder, '--no-wait', '--json'], settings);
    await queueing.finished();
    const { chunks } = queueing.lines.at(-1) as unknown as IngestSummary;
    const { config } = loadConfig([{ name: 'bench', values: { ...stack.settings, ...settings } }]);
    const line = await openExistingLine(config, { logger: silentLogger, releaser });
    await line.ledger.pause('the benchmark waits for all workers');
    const running = await Promise.all(Array.from({ length: workers }, () => stack.worker(settings)));

    const used = () => ({
      ...stack.serverCpuMs(),
      workers: running.reduce((sum, { child }) => sum + cpuMsOf(child.pid!), 0),
      // The engine answers from this process.
      'the null engine': (process.cpuUsage().user + process.cpuUsage().system) / 1_000,
    });
    const machine = () => cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0);
    const queued = await line.ledger.backlogTokens();
    const stored = async (share: number) => {
      for (;;) {
        const left = await line.ledger.backlogTokens();
        if (queued - left >= share * queued)
          return { at: performance.now(), tokens: queued - left, cpu: used(), machine: machine() };
        await delay(POLL_MS);
      }
    };
    await line.ledger.resume();
    const [from, to] = [await stored(FROM), await stored(TO)];
    await stored(1);
    for (const worker of running) await worker.stop();
    const rows = await line.store.countRows(line.info.collection);
    if (rows !== chunks.accepted) throw new Error(`${rows} rows instead of ${chunks.accepted}`);

    const seconds = (to.at - from.at) / 1_000;
    const tokensPerSecond = (to.tokens - from.tokens) / seconds;
    const cores = Object.fromEntries(
      Object.entries(to.cpu).map(([name, ms]) => [
        name,
        (ms - (from.cpu as Record<string, number>)[name]!) / 1_000 / seconds,
      ]),
    );
    const others =
      (to.machine - from.machine) / 1_000 / seconds - Object.values(cores).reduce((sum, one) => sum + one, 0);
    return {
      chunksPerSecond: (tokensPerSecond * chunks.accepted) / queued,
      tokensPerSecond,
      tokens: queued,
      cores,
      full: whatIsFull(
        { ...cores, 'other programs': Math.max(0, others) },
        { workers, machine: availableParallelism() },
      ),
    };
  } finally {
    await releaser.release();
  }
}
