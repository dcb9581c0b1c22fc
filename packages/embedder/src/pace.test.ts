import { type Clock, type ErrorCode, SluiceError, silentLogger, systemClock } from '@sluice/core';
import { beforeEach, describe, expect, it } from 'vitest';
import type { EmbedReply, EmbedRequest, Engine } from './engine.ts';
import { type PacedEngine, paceEngine } from './pace.ts';
import { CANARY } from './preflight/behaviour.ts';
import { profiles } from './profiles.ts';

/** An engine whose calls wait until the test answers them: a fake at the network's edge. */
function slowEngine() {
  const calls: { request: EmbedRequest; answer: PromiseWithResolvers<EmbedReply> }[] = [];
  const engine: Engine = {
    profile: profiles.jina!,
    fullDimension: 2,
    where: 'here',
    embed: (request) => {
      const answer = Promise.withResolvers<EmbedReply>();
      calls.push({ request, answer });
      return answer.promise;
    },
    close: async () => {},
  };
  return { engine, calls };
}

const request = (rows: number, tokens: number): EmbedRequest => ({
  texts: new Array(rows).fill('text'),
  tokens: new Array(rows).fill(tokens),
  role: 'passage',
});
const failed = (code: ErrorCode, retryAfterMs?: number) => new SluiceError(code, { message: 'no', retryAfterMs });
const settled = () => new Promise((resolve) => setImmediate(resolve));

let time = 0;
const clock: Clock = { ...systemClock, monotonicMs: () => time };
let fake: ReturnType<typeof slowEngine>;
let paced: PacedEngine;
const open = (maxInFlight: number): PacedEngine =>
  paceEngine(fake.engine, {
    logger: silentLogger,
    maxInFlight,
    maxPaddedTokens: 16_384,
    quietMs: 1_000,
    outages: 2,
    clock,
    random: () => 1,
  });
beforeEach(() => {
  time = 0;
  fake = slowEngine();
  paced = open(4);
});

/** Sends one request and ends it with an error, or rightly. */
async function one(end?: SluiceError, sent = request(1, 10)): Promise<unknown> {
  const before = fake.calls.length;
  const pending = paced.embed(sent).catch((error: unknown) => error);
  await settled();
  const call = fake.calls[before];
  if (end === undefined) call?.answer.resolve({ vectors: [] });
  else call?.answer.reject(end);
  return pending;
}

describe('concurrency', () => {
  it('lets no more requests through than allowed, first come first served', async () => {
    const done: number[] = [];
    const all = [0, 1, 2, 3, 4, 5].map((i) => paced.embed(request(i + 1, 1)).then(() => done.push(i)));
    await settled();
    expect(fake.calls).toHaveLength(4);
    fake.calls[2]!.answer.resolve({ vectors: [] });
    await settled();
    expect(fake.calls.map(({ request }) => request.texts.length)).toEqual([1, 2, 3, 4, 5]);
    for (const i of [0, 1, 3, 4]) fake.calls[i]!.answer.resolve({ vectors: [] });
    await settled();
    fake.calls[5]!.answer.resolve({ vectors: [] });
    await Promise.all(all);
    expect(done).toHaveLength(6);
    expect(paced.inFlight).toBe(0);
  });

  it('is halved when the engine is busy and grows by one for every quiet period', async () => {
    const all = [1, 2, 3, 4].map(() => paced.embed(request(1, 1)).catch(() => undefined));
    await settled();
    fake.calls[0]!.answer.reject(failed('engine_busy'));
    await settled();
    expect(paced.allowed).toBe(2);
    for (const { answer } of fake.calls) answer.resolve({ vectors: [] });
    await Promise.all(all);
    expect(paced.allowed).toBe(2);
    time = 1_000;
    await one();
    await one();
    expect(paced.allowed).toBe(3);
    time = 2_000;
    await one();
    expect(paced.allowed).toBe(4);
    expect(paced.concurrency).toBeLessThanOrEqual(paced.allowed);
  });

  it.each(['engine_busy', 'engine_timeout'] as const)(
    'is halved once for all that were under way together, %s',
    async (code) => {
      paced = open(8);
      const all = Array.from({ length: 8 }, () => paced.embed(request(1, 1)).catch(() => undefined));
      await settled();
      for (const { answer } of fake.calls) answer.reject(failed(code));
      await Promise.all(all);
      expect(paced.allowed).toBe(4);
    },
  );

  it('gives a waiting caller its own reason when it gives up', async () => {
    const all = [1, 2, 3, 4].map(() => paced.embed(request(1, 1)));
    const abort = new AbortController();
    const waiting = paced.embed({ ...request(9, 1), signal: abort.signal });
    await settled();
    abort.abort(new Error('stop'));
    await expect(waiting).rejects.toThrow('stop');
    for (const { answer } of fake.calls) answer.resolve({ vectors: [] });
    await Promise.all(all);
    expect(fake.calls).toHaveLength(4);
  });
});

describe('working size', () => {
  // Where only one request may be out, none goes alone to be measured, at half the size.
  beforeEach(() => {
    paced = open(1);
  });

  it('is half of what was too large, and stays so', async () => {
    expect(await one(failed('engine_too_large'), request(4, 4_000))).toMatchObject({ code: 'engine_too_large' });
    expect(paced.workingSize).toEqual({ maxPaddedTokens: 8_000 });
    await one(failed('engine_too_large'), request(8, 2_500)); // a request from before the cut says nothing new
    expect(paced.workingSize).toEqual({ maxPaddedTokens: 8_000 });
    await one();
    expect(paced.workingSize).toEqual({ maxPaddedTokens: 8_000 });
  });

  it('is half of what was not answered in time, and grows again when larger ones are better', async () => {
    await one(failed('engine_timeout'), request(4, 4_096));
    expect(paced.workingSize).toEqual({ maxPaddedTokens: 8_192 });
    for (const tokens of [2_048, 1_024, 16]) {
      await one(); // or the breaker would open
      await one(failed('engine_timeout'), request(4, tokens));
    }
    expect(paced.workingSize).toEqual({ maxPaddedTokens: 4_096 });
    // One text a request at 4,096 tokens in 750 ms; every other one in 250 ms more.
    let largest = 0;
    for (let i = 0; i < 200 && largest < 16_384; i++) {
      const rows = paced.workingSize.maxPaddedTokens / 4_096;
      largest = Math.max(largest, rows * 4_096);
      const pending = paced.embed(request(rows, 4_096));
      await settled();
      time += 750 + 250 * (rows - 1);
      fake.calls.at(-1)!.answer.resolve({ vectors: [] });
      await pending;
    }
    expect(largest).toBe(16_384);
  });

  it('is half while requests go alone to be measured', () => {
    expect(open(4).workingSize).toEqual({ maxPaddedTokens: 8_192 });
  });

  it('is not touched by a single row that is too large', async () => {
    await one(failed('engine_too_large'), request(1, 4_000));
    expect(paced.workingSize).toEqual({ maxPaddedTokens: 16_384 });
  });
});

describe('breaker', () => {
  async function openIt(): Promise<void> {
    await one(failed('engine_unreachable'));
    expect(paced.breaker).toBe('closed');
    await one(failed('engine_unreachable'));
    expect(paced.breaker).toBe('open');
  }

  it('opens after outages in a row; calls are then refused without a request, with the time to wait', async () => {
    await openIt();
    expect(await one()).toMatchObject({ code: 'engine_unreachable', verdict: 'retry', retryAfterMs: 500 });
    expect(fake.calls).toHaveLength(2);
  });

  it('is not opened by refusals: an engine that answers is there', async () => {
    await one(failed('engine_unreachable'));
    await one(failed('engine_rejected'));
    await one(failed('engine_unreachable'));
    expect(paced.breaker).toBe('closed');
  });

  it('sends the known text first; all who wait pass when it comes back', async () => {
    await openIt();
    time = 500;
    const waiting = [paced.embed(request(1, 1)), paced.embed(request(1, 1))];
    await settled();
    expect(paced.breaker).toBe('half-open');
    expect(fake.calls.slice(2).map(({ request }) => request.texts)).toEqual([[CANARY]]);
    fake.calls[2]!.answer.resolve({ vectors: [] });
    await settled();
    expect(paced.breaker).toBe('closed');
    for (const { answer } of fake.calls.slice(3)) answer.resolve({ vectors: [] });
    await Promise.all(waiting);
    expect(fake.calls).toHaveLength(5);
  });

  it('sends the known text at once when it is asked, but not before a time that the engine named', async () => {
    await openIt();
    const asking = paced.ask();
    await settled();
    expect(fake.calls.slice(2).map(({ request }) => request.texts)).toEqual([[CANARY]]);
    fake.calls[2]!.answer.resolve({ vectors: [] });
    await asking;
    expect(paced.breaker).toBe('closed');
    for (let i = 0; i < 2; i++) await one(failed('engine_busy', 5_000));
    await expect(paced.ask()).rejects.toMatchObject({ code: 'engine_busy', retryAfterMs: 5_000 });
    expect(fake.calls).toHaveLength(5);
    time += 5_000;
    const later = paced.ask();
    await settled();
    expect(fake.calls[5]!.request.texts).toEqual([CANARY]);
    fake.calls[5]!.answer.resolve({ vectors: [] });
    await later;
  });

  it('stays open for longer when the known text fails too', async () => {
    await openIt();
    time = 500;
    const waiting = [paced.embed(request(1, 1)), paced.embed(request(1, 1))].map((call) =>
      call.catch((error) => error),
    );
    await settled();
    fake.calls[2]!.answer.reject(failed('engine_timeout'));
    expect(await Promise.all(waiting)).toMatchObject([{ code: 'engine_timeout' }, { code: 'engine_timeout' }]);
    expect(paced.breaker).toBe('open');
    expect(await one()).toMatchObject({ retryAfterMs: 1_000 });
  });

  it('lets callers hear it when another model came back', async () => {
    paced = paceEngine(fake.engine, {
      logger: silentLogger,
      maxInFlight: 4,
      maxPaddedTokens: 16_384,
      outages: 1,
      clock,
      random: () => 1,
      probe: async () => {
        throw failed('model_swapped');
      },
    });
    await one(failed('engine_unreachable'));
    time = 500;
    expect(await one()).toMatchObject({ code: 'model_swapped', verdict: 'stop' });
    expect(fake.calls).toHaveLength(1);
  });

  it('waits as long as the engine asks', async () => {
    await one(failed('engine_busy', 30_000));
    await one(failed('engine_busy', 30_000));
    expect(await one()).toMatchObject({ code: 'engine_busy', retryAfterMs: 30_000 });
  });
});
