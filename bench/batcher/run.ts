/**
 * How much of a device becomes useful tokens when Sluice's batcher fills its requests: the real batcher and pace, a modelled
 * 3090 in the same process, and no queue or database. Beside it, in the same minutes, what a plain script does: 8 rows in the
 * order of the source, 4 requests in flight. The short form has a device four times as fast.
 */
import { silentLogger, systemClock } from '@sluice/core';
import { createModelledEngine, type ModelledEngine, paceEngine, profiles, RTX_3090 } from '@sluice/embedder';
import { createBatcher } from '@sluice/worker';
import { bench } from '../report/bench.ts';
import type { Figure } from '../report/report.ts';
import { chunkLengths } from './chunk-lengths.ts';
import { itemOf, openVerbs } from './in-memory-line.ts';
import { usefulShare } from './useful-share.ts';

const HELD = 256;
const BATCH_TOKENS = 16_384;
const PLAIN_ROWS = 8;
const PLAIN_IN_FLIGHT = 4;

await bench({
  name: 'batcher',
  question: 'how much of a modelled 3090 becomes useful tokens',
  async measure({ short, say }) {
    const chunks = short ? 400 : 800;
    const rounds = short ? 1 : 3;
    const speed = short ? 4 : 1;
    const model = {
      ...RTX_3090,
      tokensPerSecond: RTX_3090.tokensPerSecond * speed,
      requestMs: RTX_3090.requestMs / speed,
    };
    const lengths = await chunkLengths(chunks);
    const engineOf = (devices: number) =>
      createModelledEngine({
        profile: profiles.modelled!,
        fullDimension: 8,
        model,
        devices,
        count: () => 0,
        clock: systemClock,
      });
    const found = { one: [] as Share[], two: [] as Share[], plain: [] as Share[], waits: [] as number[] };
    for (let round = 1; round <= rounds; round++) {
      say(`round ${round} of ${rounds}`);
      for (const devices of [1, 2] as const) {
        const engine = engineOf(devices);
        found.waits.push(await throughBatcher(engine, lengths));
        found[devices === 1 ? 'one' : 'two'].push(usefulShare(engine.statistics(), model));
      }
      const engine = engineOf(1);
      await plain(engine, lengths);
      found.plain.push(usefulShare(engine.statistics(), model));
    }
    const figure = (name: string, shares: Share[], part: keyof Share, more: Partial<Figure> = {}): Figure => ({
      name,
      unit: 'of the device',
      runs: shares.map((share) => share[part]),
      ...more,
    });
    return {
      configuration: {
        device: `${model.tokensPerSecond} padded tokens/s and ${model.requestMs} ms a request`,
        chunks,
        'tokens a chunk': Math.round(lengths.reduce((sum, length) => sum + length, 0) / lengths.length),
        'padded tokens a request at most': BATCH_TOKENS,
        'chunks held': HELD,
        rounds,
      },
      figures: [
        figure('useful tokens, one device', found.one, 'useful', { limit: { atLeast: 0.95 } }),
        figure('useful tokens, two devices', found.two, 'useful', { limit: { atLeast: 0.95 } }),
        figure(`useful tokens, ${PLAIN_ROWS} rows in source order`, found.plain, 'useful', { baseline: true }),
        figure('busy after the first request, one device', found.one, 'busy', { limit: { atLeast: 0.98 } }),
        figure('busy after the first request, two devices', found.two, 'busy', { limit: { atLeast: 0.98 } }),
        figure('padding, one device', found.one, 'padding', { limit: { atMost: 0.03 } }),
        figure('padding, two devices', found.two, 'padding', { limit: { atMost: 0.03 } }),
        figure(`padding, ${PLAIN_ROWS} rows in source order`, found.plain, 'padding', { baseline: true }),
        {
          name: 'longest wait of a chunk',
          unit: 'requests',
          runs: found.waits,
          limit: { atMost: HELD },
        },
      ],
    };
  },
});

type Share = ReturnType<typeof usefulShare>;

/** Hands every chunk in, as many at a time as a worker holds. Resolves with the most requests that a chunk waited for. */
async function throughBatcher(engine: ModelledEngine, lengths: readonly number[]): Promise<number> {
  const paced = paceEngine(engine, { logger: silentLogger, maxInFlight: 8, maxPaddedTokens: BATCH_TOKENS });
  const { verbs, longestWait, arrived } = openVerbs(paced);
  const batcher = createBatcher({
    verbs,
    maxPaddedTokens: BATCH_TOKENS,
    maxRows: 32,
    workingSize: () => paced.workingSize,
    inFlight: () => paced.concurrency,
    fenceMaxAgeMs: 7_500,
    clock: systemClock,
    logger: silentLogger,
    onOutage: () => undefined,
    onProgress: () => undefined,
    onStop: (error) => {
      throw error;
    },
  });
  let next = 0;
  const holdOne = async () => {
    while (next < lengths.length) {
      const item = itemOf(next, lengths[next]!);
      next += 1;
      arrived(item);
      await batcher.accept(item);
    }
  };
  await Promise.all(Array.from({ length: HELD }, holdOne));
  await batcher.close(0);
  return longestWait();
}

async function plain(engine: ModelledEngine, lengths: readonly number[]): Promise<void> {
  let next = 0;
  const sendOne = async () => {
    while (next < lengths.length) {
      const tokens = lengths.slice(next, next + PLAIN_ROWS);
      next += PLAIN_ROWS;
      await engine.embed({ texts: tokens.map(String), tokens, role: 'passage' });
    }
  };
  await Promise.all(Array.from({ length: PLAIN_IN_FLIGHT }, sendOne));
}
