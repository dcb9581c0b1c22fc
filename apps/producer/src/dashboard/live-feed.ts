/**
 * What the live page shows, asked of the line every two seconds and sent to everybody who watches. Ten minutes are kept, so that a
 * page that is opened has a past. The last look is repeated to who comes in between; an outage of Redis is shown, not thrown.
 */
import { type Clock, createErrorCollapser, isSluiceError, type Logger, systemClock } from '@sluice/core';
import type { Line } from '@sluice/line';
import { createLoadWindow, type Flow } from './load-window.ts';

export type State = 'working' | 'idle' | 'paused' | 'waiting' | 'unserved' | 'away';

export interface Snapshot extends Flow {
  /** Wall clock, ms. */
  at: number;
  state: State;
  /** Why, where there is a reason to give. */
  reason?: string;
  backlogTokens: number;
  jobs: { waiting: number; active: number; delayed: number };
  /** Stored in the last minute. */
  tokensPerSecond: number;
  etaSeconds?: number;
  documents: { stored: number; open: number; partial: number };
  deadLetters: number;
  workers: { name: string; held: number; outage?: string }[];
}

/** Seconds since the epoch, tokens a second, backlog in tokens: one column each. */
export type History = [number[], number[], number[]];

export interface Look {
  snapshot: Snapshot;
  /** What it adds to the history. */
  point: [number, number, number];
}

export interface LiveFeed {
  readonly latest: Look | undefined;
  readonly history: History;
  /** Called with every new look; returns how to stop. */
  watch(listener: (look: Look) => void): () => void;
  /** Stops looking. */
  close(): Promise<void>;
}

const LOOK_MS = 2_000;
const KEPT = 300;
/** The cards show the last minute, the curve the last ten seconds. */
const CARD_MS = 60_000;
const CURVE_MS = 10_000;

export function startLiveFeed(
  line: Pick<Line, 'ledger' | 'queue'>,
  { logger, clock = systemClock }: { logger: Logger; clock?: Clock },
): LiveFeed {
  const collapse = createErrorCollapser(logger);
  const loads = createLoadWindow();
  const listeners = new Set<(look: Look) => void>();
  const history: History = [[], [], []];
  const stopping = new AbortController();
  let latest: Look | undefined;

  async function look(): Promise<Snapshot> {
    const [documents, workers, jobs, statistics, paused] = await Promise.all([
      line.ledger.counts(),
      line.ledger.liveWorkers(),
      line.queue.counts(),
      line.ledger.statistics(),
      line.ledger.paused(),
    ]);
    const at = clock.now();
    loads.add(workers, at);
    const { backlogTokens, tokensPerSecond } = statistics;
    const outages = workers.flatMap(({ outage }) => outage ?? []);
    const state: State =
      paused !== undefined
        ? 'paused'
        : workers.length === 0
          ? 'unserved'
          : outages.length === workers.length
            ? 'waiting'
            : backlogTokens > 0
              ? 'working'
              : 'idle';
    const reason = state === 'paused' ? paused : state === 'waiting' ? outages[0] : undefined;
    return {
      ...loads.flow(CARD_MS),
      at,
      state,
      ...(reason !== undefined && { reason }),
      backlogTokens,
      jobs: { waiting: jobs.waiting, active: jobs.active, delayed: jobs.delayed },
      tokensPerSecond,
      ...(tokensPerSecond > 0 && backlogTokens > 0 && { etaSeconds: Math.round(backlogTokens / tokensPerSecond) }),
      documents: { stored: documents.stored, open: documents.open, partial: documents.partial },
      deadLetters: documents.deadLetters,
      workers: workers.map(({ host, pid, held, outage }) => ({
        name: `${host} · ${pid}`,
        held,
        ...(outage !== undefined && { outage }),
      })),
    };
  }

  function tell(snapshot: Snapshot): void {
    const curve = snapshot.state === 'away' ? 0 : (loads.flow(CURVE_MS).engine?.tokensPerSecond ?? 0);
    latest = { snapshot, point: [snapshot.at / 1_000, curve, snapshot.backlogTokens] };
    latest.point.forEach((value, column) => {
      history[column]!.push(value);
      if (history[column]!.length > KEPT) history[column]!.shift();
    });
    for (const listener of listeners) listener(latest);
  }

  const running = (async () => {
    while (!stopping.signal.aborted) {
      try {
        tell(await look());
      } catch (error) {
        collapse(error, 'the live page could not look at the line');
        if (latest !== undefined)
          tell({
            ...latest.snapshot,
            at: clock.now(),
            state: 'away',
            reason: isSluiceError(error) ? error.what : 'no answer',
          });
      }
      await clock.sleep(LOOK_MS, stopping.signal);
    }
  })();

  return {
    get latest() {
      return latest;
    },
    history,
    watch(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async close() {
      stopping.abort();
      await running;
    },
  };
}
