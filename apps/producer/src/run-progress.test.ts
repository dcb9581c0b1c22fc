import { SluiceError, systemClock } from '@sluice/core';
import type { RunCounts } from '@sluice/queue';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { IngestEvent } from './events.ts';
import { createRunProgress } from './run-progress.ts';

const counts = (unsettled: number, stored: number): RunCounts => ({
  documents: {
    read: 1,
    unchanged: 0,
    skipped: 0,
    accepted: 1,
    stored,
    superseded: 0,
    partial: 0,
    deleted: 0,
    rejected: 0,
    unsettled,
  },
  chunks: { accepted: 1, stored, reused: 0, dead: 0 },
  tokens: { useful: 0, padded: 0, accepted: 0, stored: 0 },
  engineRequests: 0,
});

/** Line and ledger are what they were. */
const same = { proveLedger: async () => undefined, proveCollection: async () => undefined };
const outages = { signal: new AbortController().signal, clock: systemClock, onOutage: () => undefined };

test('a look at the counts that began before the last commit does not end the waiting', async () => {
  const answers: ((counts: RunCounts) => void)[] = [];
  const asked: (() => void)[] = [];
  const nextQuestion = () => new Promise<void>((resolve) => asked.push(resolve));
  const first = nextQuestion();
  const runs = {
    reject: async () => undefined,
    add: async () => undefined,
    finish: async () => undefined,
    counts: () =>
      new Promise<RunCounts>((resolve) => {
        answers.push(resolve);
        asked.shift()?.();
      }),
  };
  const ledger = {
    liveWorkers: async () => [{ id: 'w' }],
    outage: async () => undefined,
    paused: async () => undefined,
  };
  const progress = createRunProgress({
    line: { ...same, name: 'main', runs, ledger } as never,
    run: { id: 'r1', number: 1 },
    listener: () => undefined,
    clock: { ...systemClock, sleep: async () => undefined },
    waiting: outages,
    onStop: () => undefined,
  });

  // The display asks by itself; then a document is committed, and the run begins to wait.
  await first;
  let done = false;
  const waiting = progress
    .untilSettled(new AbortController().signal, async () => undefined)
    .then(() => {
      done = true;
    });
  const second = nextQuestion();
  answers.shift()!(counts(0, 0));
  await second;
  expect(done).toBe(false);
  const third = nextQuestion();
  answers.shift()!(counts(1, 0));
  await third;
  expect(done).toBe(false);
  answers.shift()!(counts(0, 1));
  await waiting;
  expect(progress.counters.documents.stored).toBe(1);
  await progress.close();
});

test('the summary is the last event of a run, however long its record takes to write', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const events: string[] = [];
  const runs = {
    reject: async () => undefined,
    add: async () => undefined,
    counts: () => new Promise<RunCounts>((resolve) => setTimeout(() => resolve(counts(0, 1)), 100)),
    async finish() {
      await vi.advanceTimersByTimeAsync(300);
    },
  };
  const progress = createRunProgress({
    line: { ...same, name: 'main', runs, ledger: { paused: async () => undefined } } as never,
    run: { id: 'r1', number: 1 },
    listener: ({ type }) => events.push(type),
    clock: systemClock,
    waiting: outages,
    onStop: () => undefined,
  });
  const finishing = progress.finish(0);
  await vi.advanceTimersByTimeAsync(1_000);
  await finishing;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(events.at(-1)).toBe('summary');
  await progress.close();
});

test('progress goes by what is stored: vectors that were reused count, and an engine that only answered does not', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let tokens: RunCounts['tokens'] = { accepted: 0, stored: 0, useful: 0, padded: 0 };
  const runs = {
    reject: async () => undefined,
    add: async () => undefined,
    counts: async () => ({ ...counts(1, 0), tokens }),
  };
  const seen: Extract<IngestEvent, { type: 'progress' }>[] = [];
  let time = 0;
  const progress = createRunProgress({
    line: { ...same, name: 'main', runs, ledger: { paused: async () => undefined } } as never,
    run: { id: 'r1', number: 1 },
    listener: (event) => event.type === 'progress' && seen.push(event),
    clock: { ...systemClock, monotonicMs: () => time },
    waiting: outages,
    onStop: () => undefined,
  });
  progress.handedIn({ unchanged: 0, tokens: 3_000 });
  await vi.advanceTimersByTimeAsync(250);
  time = 4_000;
  // 299 of 300 chunks reused their vectors; one batch was answered twice.
  tokens = { accepted: 0, stored: 2_000, useful: 20, padded: 20 };
  await vi.advanceTimersByTimeAsync(250);
  expect(seen.at(-1)).toMatchObject({
    tokens: { accepted: 3_000, stored: 2_000 },
    tokensPerSecond: 500,
    etaSeconds: 2,
  });
  await progress.close();
});

test('a run whose ledger is lost is told so, and not that nothing is left to do', async () => {
  const lost = new SluiceError('ledger_lost', { message: 'empty' });
  const runs = { reject: async () => undefined, add: async () => undefined, counts: async () => counts(0, 0) };
  const told = Promise.withResolvers<unknown>();
  const progress = createRunProgress({
    line: {
      ...same,
      proveLedger: () => Promise.reject(lost),
      name: 'main',
      runs,
      ledger: { paused: async () => undefined },
    } as never,
    run: { id: 'r1', number: 1 },
    listener: () => undefined,
    clock: systemClock,
    waiting: outages,
    onStop: told.resolve,
  });
  expect(await told.promise).toBe(lost);
  await expect(progress.untilSettled(new AbortController().signal, async () => undefined)).rejects.toBe(lost);
  await expect(progress.finish(0)).rejects.toBe(lost);
  await progress.close();
});
