/**
 * How fast an engine is: requests of known lengths and sizes, one at a time, then several at a time with the best size. Texts
 * differ, so that no cache answers. Used by `sluice bench engine`, and in short to forecast a bulk run.
 *
 * What is concluded holds for what a line sends. Shorter texts than that are measured for the table alone: a GPU computes them up to a
 * third faster, because attention costs a token the more the longer its text is, and a corpus would look a third smaller.
 */
import { type Clock, isSluiceError, SluiceError, systemClock } from '@sluice/core';
import type { Engine } from './engine.ts';

/** Service time of a request: `requestMs + paddedTokens ÷ tokensPerSecond`. */
export interface EngineRate {
  /** Padded tokens a second. */
  tokensPerSecond: number;
  requestMs: number;
}

/** Requests of one shape. */
export interface EngineCell {
  /** Tokens of each text. */
  tokens: number;
  rows: number;
  /** Time of each request, in milliseconds; empty when it was refused. */
  ms: number[];
  /** At the median time. */
  tokensPerSecond: number;
  /** Code of the error with which the engine refused this shape. */
  refused?: string;
}

export interface EngineMeasurement {
  cells: EngineCell[];
  /** Of texts as a line sends them. */
  rate: EngineRate;
  /** The smallest size, in padded tokens, with which they are within 2 % of the fastest. */
  bestPaddedTokens: number;
  /** Tokens a second with so many requests of that size at a time, their lengths in turn. */
  inFlight: { requests: number; tokensPerSecond: number }[];
}

export interface MeasureOptions {
  /** Tokens of a text by the model's tokenizer, specials and instruction included. */
  count(text: string): number;
  /** Lengths of texts, in tokens. */
  lengths: readonly number[];
  /** Those of them that a line sends, from a chunk's usual size to its largest. Default: all. */
  lineLengths?: readonly number[];
  /** Sizes of requests, in padded tokens, in ascending order. */
  sizes: readonly number[];
  /** Rows that a line puts in one request at most. */
  maxRows: number;
  /** Timed requests of each shape, after one that is not timed. */
  repeats: number;
  /** Numbers of requests at a time to be compared; empty: none. */
  inFlight: readonly number[];
  clock?: Clock;
  signal?: AbortSignal | undefined;
  onCell?(cell: EngineCell): void;
}

const SENTENCE =
  'the old mill at the river turns as long as the sluice lets the water through and no longer than that ';

/**
 * Throws what the engine throws, except for shapes that are too large for it: they are cells without times. Throws `engine_too_large`
 * when there is no size with which the engine takes every length that a line sends.
 */
export async function measureEngine(engine: Engine, options: MeasureOptions): Promise<EngineMeasurement> {
  const { lengths, lineLengths = lengths, sizes, maxRows, repeats, clock = systemClock, signal, onCell } = options;
  let texts = 0;

  const send = async (rows: number, tokens: number): Promise<number> => {
    const batch = Array.from({ length: rows }, () => textOf(tokens, texts++, options.count));
    const counts = batch.map(() => tokens);
    const startedMs = clock.monotonicMs();
    await engine.embed({ texts: batch, tokens: counts, role: 'passage', signal });
    return clock.monotonicMs() - startedMs;
  };

  const rowsOf = (tokens: number, size: number) => Math.min(maxRows, engine.profile.maxRows, Math.floor(size / tokens));
  const cells: EngineCell[] = [];
  for (const tokens of lengths) {
    const rowCounts = new Set(sizes.map((size) => rowsOf(tokens, size)));
    for (const rows of [...rowCounts].filter((count) => count > 0)) {
      const cell = await measureCell(tokens, rows);
      cells.push(cell);
      onCell?.(cell);
      if (cell.refused !== undefined) break;
    }
  }

  async function measureCell(tokens: number, rows: number): Promise<EngineCell> {
    const ms: number[] = [];
    try {
      await send(rows, tokens);
      for (let i = 0; i < repeats; i++) ms.push(await send(rows, tokens));
    } catch (error) {
      if (!isSluiceError(error) || error.verdict !== 'split') throw error;
      return { tokens, rows, ms: [], tokensPerSecond: 0, refused: error.code };
    }
    return { tokens, rows, ms, tokensPerSecond: (rows * tokens * 1_000) / median(ms) };
  }

  const answered = cells.filter(({ tokens, refused }) => refused === undefined && lineLengths.includes(tokens));
  const candidates = sizes.flatMap((size) => {
    const used = lineLengths.map((tokens) =>
      answered.find((cell) => cell.tokens === tokens && cell.rows === rowsOf(tokens, size)),
    );
    return used.every((cell) => cell !== undefined) ? [{ size, cells: used, rate: rateOf(used) }] : [];
  });
  const fastest = Math.max(...candidates.map(({ rate }) => rate));
  const best = candidates.find(({ rate }) => rate >= 0.98 * fastest);
  if (best === undefined) throw nothingTaken();
  const inFlight: EngineMeasurement['inFlight'] = [];
  for (const requests of options.inFlight) {
    inFlight.push({ requests, tokensPerSecond: await together(requests, best.cells) });
  }
  return { cells, rate: fitRate(answered), bestPaddedTokens: best.size, inFlight };

  /** Whole rounds of the lengths, so that each has its share. */
  async function together(requests: number, shapes: readonly EngineCell[]): Promise<number> {
    const total = shapes.length * Math.ceil((3 * requests) / shapes.length);
    const shapeOf = (request: number) => shapes[request % shapes.length]!;
    let next = 0;
    let tokens = 0;
    const startedMs = clock.monotonicMs();
    const one = async () => {
      while (next < total) {
        const shape = shapeOf(next++);
        await send(shape.rows, shape.tokens);
        tokens += shape.rows * shape.tokens;
      }
    };
    await Promise.all(Array.from({ length: requests }, one));
    return (tokens * 1_000) / (clock.monotonicMs() - startedMs);
  }

  function nothingTaken(): SluiceError {
    const longest = Math.max(...lineLengths);
    const refused = cells.find(({ tokens, refused: code }) => tokens === longest && code !== undefined);
    return new SluiceError('engine_too_large', {
      message: `The engine takes no request that a line with texts of up to ${longest} tokens would send`,
      where: engine.where,
      expected: `an answer to 1 text of ${longest} tokens`,
      got: refused?.refused ?? `requests of at most ${Math.max(...sizes)} tokens to try`,
      fix: 'Give the engine more memory or a larger window, or lower SLUICE_MAX_TOKENS and SLUICE_TARGET_TOKENS.',
    });
  }
}

/** Tokens a second over requests of these shapes in turn. */
function rateOf(cells: readonly EngineCell[]): number {
  const tokens = cells.reduce((sum, cell) => sum + cell.tokens * cell.rows, 0);
  return (tokens * 1_000) / cells.reduce((sum, { ms }) => sum + median(ms), 0);
}

/** Least squares over the median times. A line that would start below zero is drawn through zero. */
export function fitRate(cells: readonly EngineCell[]): EngineRate {
  const points = cells.map(({ tokens, rows, ms }) => ({ x: tokens * rows, y: median(ms) }));
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(points.map(({ x }) => x)), mean(points.map(({ y }) => y))];
  const spread = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const slope = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / spread;
  const start = meanY - slope * meanX;
  if (spread === 0 || start < 0 || slope <= 0) return { tokensPerSecond: (1_000 * meanX) / meanY, requestMs: 0 };
  return { tokensPerSecond: 1_000 / slope, requestMs: start };
}

/** A text of so many tokens at most, and at most a dozen fewer; each number gives another one. */
function textOf(tokens: number, number: number, count: (text: string) => number): string {
  const words = `${number} ${SENTENCE.repeat(Math.ceil(tokens / 15))}`.split(' ');
  let [low, high] = [1, words.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (count(words.slice(0, middle).join(' ')) <= tokens) low = middle;
    else high = middle - 1;
  }
  return words.slice(0, low).join(' ');
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}
