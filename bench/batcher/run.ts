/**
 * How much of a device becomes useful tokens when Sluice's batcher fills its requests: the real batcher and pace, a modelled
 * 3090 in the same process, and no queue or database. Beside it, in the same minutes, what a plain script does: 8 rows in the
 * order of the source, 4 requests in flight; and LangChain.js. How long a chunk waits is counted in requests, so it is seen on a device
 * that is much faster: with chunks of one kind, and with one bulk chunk among fifteen of live work. The short form has devices eight times
 * as fast.
 */
import { silentLogger, systemClock } from '@sluice/core';
import {
  createModelledEngine,
  type DeviceModel,
  type ModelledEngine,
  paceEngine,
  profiles,
  RTX_3090,
} from '@sluice/embedder';
import { createBatcher } from '@sluice/worker';
import { bench } from '../report/bench.ts';
import { quotedDevice } from '../report/quoted.ts';
import type { Figure } from '../report/report.ts';
import { notePackage } from '../report/versions.ts';
import { chunkLengths } from './chunk-lengths.ts';
import { itemOf, openVerbs } from './in-memory-line.ts';
import { langchain, tokensOf } from './langchain.ts';
import { usefulShare } from './useful-share.ts';

const HELD = 256;
const BATCH_TOKENS = 16_384;
const PLAIN_ROWS = 8;
const PLAIN_IN_FLIGHT = 4;
/** So many chunks that there are more requests than a chunk may wait for. */
const WAITING = 2_400;
const WAITING_SHORT = 600;
const WAITING_SPEED = 40;
const LIVE = 1;
const BULK = 2 ** 20;
const BULK_EVERY = 16;

await bench({
  name: 'batcher',
  question: 'how much of a modelled 3090 becomes useful tokens',
  async measure({ short, say }) {
    const chunks = short ? 400 : 800;
    const rounds = short ? 1 : 3;
    const speed = short ? 8 : 1;
    const model = faster(speed);
    notePackage('@langchain/core', 'bench');
    const lengths = await chunkLengths(chunks);
    const waiting = await chunkLengths(short ? WAITING_SHORT : WAITING);
    const engineOf = (devices: number, device = model) =>
      createModelledEngine({
        profile: profiles.modelled!,
        fullDimension: 8,
        model: device,
        devices,
        count: tokensOf,
        clock: systemClock,
      });
    const found = { one: [] as Share[], two: [] as Share[], plain: [] as Share[], langchain: [] as Share[] };
    const waits = { alike: [] as number[], mixed: [] as number[] };
    for (let round = 1; round <= rounds; round++) {
      say(`round ${round} of ${rounds}`);
      for (const devices of [1, 2] as const) {
        const engine = engineOf(devices);
        await throughBatcher(engine, lengths);
        found[devices === 1 ? 'one' : 'two'].push(usefulShare(engine.statistics(), model));
      }
      const engine = engineOf(1);
      await plain(engine, lengths);
      found.plain.push(usefulShare(engine.statistics(), model));
      const asked = engineOf(1);
      await langchain(asked, lengths);
      found.langchain.push(usefulShare(asked.statistics(), model));
      waits.alike.push(await throughBatcher(engineOf(1, faster(WAITING_SPEED)), waiting));
      const priorityOf = (number: number) => (number % BULK_EVERY === 0 ? BULK : LIVE);
      waits.mixed.push(await throughBatcher(engineOf(1, faster(WAITING_SPEED)), waiting, priorityOf));
    }
    const waitLimit = { atMost: HELD, everyRun: true as const };
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
        'chunks for the wait': waiting.length,
        rounds,
      },
      figures: [
        figure('useful tokens, one device', found.one, 'useful', { limit: { atLeast: 0.95 } }),
        figure('useful tokens, two devices', found.two, 'useful', { limit: { atLeast: 0.95 } }),
        figure(`useful tokens, ${PLAIN_ROWS} rows in source order`, found.plain, 'useful', { baseline: true }),
        figure('useful tokens, LangChain.js, nothing stored', found.langchain, 'useful', { baseline: true }),
        ...quotedDevice.map(({ name, value, source }) => ({
          name: `useful tokens, ${name}`,
          unit: 'of the device',
          runs: [value],
          baseline: { source },
        })),
        figure('busy after the first request, one device', found.one, 'busy', { limit: { atLeast: 0.98 } }),
        figure('busy after the first request, two devices', found.two, 'busy', { limit: { atLeast: 0.98 } }),
        figure('padding, one device', found.one, 'padding', { limit: { atMost: 0.03 } }),
        figure('padding, two devices', found.two, 'padding', { limit: { atMost: 0.03 } }),
        figure(`padding, ${PLAIN_ROWS} rows in source order`, found.plain, 'padding', { baseline: true }),
        figure('padding, LangChain.js', found.langchain, 'padding', { baseline: true }),
        { name: 'longest wait of a chunk, all alike', unit: 'requests', runs: waits.alike, limit: waitLimit },
        { name: 'longest wait of a chunk, bulk among live', unit: 'requests', runs: waits.mixed, limit: waitLimit },
      ],
    };
  },
});

function faster(times: number): DeviceModel {
  return {
    ...RTX_3090,
    tokensPerSecond: RTX_3090.tokensPerSecond * times,
    requestMs: RTX_3090.requestMs / times,
  };
}

type Share = ReturnType<typeof usefulShare>;

/** Hands every chunk in, as many at a time as a worker holds. Resolves with the most requests that a chunk waited for. */
async function throughBatcher(
  engine: ModelledEngine,
  lengths: readonly number[],
  priorityOf: (number: number) => number = () => 0,
): Promise<number> {
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
      const item = itemOf(next, lengths[next]!, priorityOf(next));
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
