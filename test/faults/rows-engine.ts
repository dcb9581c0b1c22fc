/** The engine: away, slow, refusing, answering nonsense; and the one text that is really bad. */
import { nullVector } from '@sluice/embedder';
import type { HttpReply } from '../support/http-reply.ts';
import { makeText } from './documents.ts';
import { ENGINE_DIMENSION, type EngineScript } from './engine-server.ts';
import type { MatrixRow, Stage } from './matrix-row.ts';
import { lineSays, type Outage, type Outcome, throughOutage } from './outage.ts';

const STORED = 'the line says what it waits for; then everything is stored, no attempt counted, nothing dead';

const row = (id: string, fault: string, outage: Outage, more: Partial<MatrixRow> = {}): MatrixRow => ({
  id,
  fault,
  promise: STORED,
  run: async (stage) => throughOutage(await stage.bench(), outage, stage),
  ...more,
});

/** An engine that answers everything so. */
const answering = (reply: HttpReply | 'hang' | (() => HttpReply), says: RegExp): Outage => ({
  begin: ({ engine }) => engine.become(() => (typeof reply === 'function' ? reply() : reply)),
  end: ({ engine }) => engine.become(undefined),
  says,
});

const error = (status: number, headers: Record<string, string> = {}): HttpReply => {
  return { status, headers, body: { error: { message: 'scripted', code: 'scripted' } } };
};

export const engineRows: readonly MatrixRow[] = [
  row('E1', 'the engine refuses connections', {
    begin: ({ engineProxy }) => engineProxy.become({ kind: 'down' }),
    end: ({ engineProxy }) => engineProxy.become(undefined),
    says: /engine_unreachable/,
  }),
  row('E2', 'the engine hangs: half-open connections', {
    begin: ({ engineProxy }) => engineProxy.become({ kind: 'half-open' }),
    end: ({ engineProxy }) => engineProxy.become(undefined),
  }),
  row('E3', 'the engine is slow: 1 s more for every piece', {
    begin: ({ engineProxy }) => engineProxy.become({ kind: 'latency', ms: 1_000, jitterMs: 500 }),
    end: ({ engineProxy }) => engineProxy.become(undefined),
  }),
  row('E4-502', 'the engine answers 502', answering(error(502), /engine_unreachable/)),
  row('E4-503', 'the engine answers 503', answering(error(503), /engine_busy/)),
  row('E6', 'the engine answers 429 without Retry-After', answering(error(429), /engine_busy/)),
  row(
    'E6-after',
    'the engine answers 429 with Retry-After',
    answering(error(429, { 'retry-after': '1' }), /engine_busy/),
  ),
  {
    id: 'E-400-500',
    fault: 'the engine answers 400 to everything, then 500 to everything (a bad deploy)',
    promise: STORED,
    short: true,
    run: async (stage) => {
      const bench = await stage.bench();
      const { recoveryMs } = await throughOutage(
        bench,
        {
          async begin({ engine }) {
            engine.become(() => error(400));
          },
          async end({ engine }) {
            await lineSays(bench, /engine_rejected/);
            engine.become(() => error(500));
            await lineSays(bench, /engine_failed/);
            await pause(stage.outageMs);
            engine.become(undefined);
          },
        },
        stage,
      );
      return recoveryMs === undefined ? {} : { recoveryMs };
    },
  },
  row(
    'E8',
    'the engine answers 200 with HTML',
    answering({ status: 200, body: '<html>busy</html>' }, /engine_bad_reply/),
  ),
  row('E9', 'replies of the engine are cut after 2 kB', {
    begin: ({ engineProxy }) => engineProxy.become({ kind: 'limit', replyBytes: 2_000 }),
    end: ({ engineProxy }) => engineProxy.become(undefined),
  }),
  row('E9-reset', 'one piece of data in ten resets its connection to the engine', {
    begin: ({ engineProxy }) => engineProxy.become({ kind: 'reset', probability: 0.1 }),
    end: ({ engineProxy }) => engineProxy.become(undefined),
  }),
  row(
    'E10',
    'the engine answers with one vector too few',
    answering({ status: 200, body: { data: [] } }, /engine_bad_reply/),
  ),
  row('N3-engine', 'the engine’s replies come in slices of 64 bytes', {
    begin: ({ engineProxy }) => engineProxy.become({ kind: 'slice', bytes: 64, pauseMs: 1 }),
    end: ({ engineProxy }) => engineProxy.become(undefined),
  }),
  {
    id: 'E5',
    fault: 'the engine runs out of memory (424) above 1,200 characters a request',
    promise: 'requests are halved until they fit; everything is stored',
    run: (stage) =>
      throughScript(stage, ({ texts }) => (texts.join('').length > 1_200 + 400 ? error(424) : undefined), []),
  },
  {
    id: 'E7',
    fault: 'the engine answers 413 to more than two texts',
    promise: 'requests are halved until they fit; everything is stored',
    run: (stage) => throughScript(stage, ({ texts }) => (texts.length > 2 ? error(413) : undefined), []),
  },
  {
    id: 'E-bad-text',
    fault: 'the engine answers 400 to requests with one text',
    promise: 'that chunk is a dead letter, its neighbours and the others are stored',
    run: (stage) =>
      throughScript(
        stage,
        ({ texts }) => (texts.some((text) => text.includes('refusedword')) ? error(400) : undefined),
        ['engine_rejected'],
      ),
  },
  {
    id: 'E12',
    fault: 'the engine answers null instead of the vector of one text',
    promise: 'that chunk is a dead letter, nothing of it is stored, the others are',
    run: (stage) => throughScript(stage, onlyWord(null), ['bad_vector']),
  },
  {
    id: 'E12-all',
    fault: 'the engine answers null instead of every vector, of a known text too',
    promise: 'the line stops with model_swapped; nothing is dead, nothing wrong is stored',
    async run(stage) {
      const bench = await stage.bench();
      const documents = Array.from({ length: 40 }, (_, i) => ({
        id: `doc-${i}`,
        text: makeText(bench.random, `doc-${i}`),
      }));
      const worker = await bench.worker();
      bench.engine.become(({ texts }) => ({
        status: 200,
        body: { data: texts.map((_, index) => ({ index, embedding: null })) },
      }));
      await bench.handIn(documents);
      const stopped = (await worker.stopped) as { code?: string } | undefined;
      if (stopped?.code !== 'model_swapped') throw new Error(`stopped with ${stopped?.code ?? 'nothing'}`);
      await bench.expectUntouched();
      bench.engine.become(undefined);
      await bench.worker();
      await bench.settled();
      await bench.expectUntouched();
      await bench.expectStored(documents);
      return {};
    },
  },
  {
    id: 'E13',
    fault: 'the engine answers a zero vector for one text',
    promise: 'that chunk is a dead letter, nothing of it is stored, the others are',
    run: (stage) =>
      throughScript(stage, onlyWord(Buffer.alloc(ENGINE_DIMENSION * 4).toString('base64')), [
        'zero_vector',
        'bad_vector',
      ]),
  },
  {
    id: 'E11',
    fault: 'another model of the same dimension answers after an outage',
    promise: 'the line stops with model_swapped before anything wrong is stored',
    async run(stage) {
      const bench = await stage.bench();
      const worker = await bench.worker();
      const before = { id: 'before', text: makeText(bench.random, 'before') };
      await bench.handIn([before]);
      await bench.settled();
      await bench.engineProxy.become({ kind: 'down' });
      const after = { id: 'after', text: makeText(bench.random, 'after') };
      await bench.handIn([after]);
      await lineSays(bench, /engine_unreachable/);
      bench.engine.become(({ texts }) => vectors(texts.map((_, i) => otherVector(i))));
      await bench.engineProxy.become(undefined);
      const stopped = (await worker.stopped) as { code?: string } | undefined;
      if (stopped?.code !== 'model_swapped') throw new Error(`stopped with ${stopped?.code ?? 'nothing'}`);
      bench.engine.become(undefined);
      await bench.worker();
      await bench.settled();
      await bench.expectStored([before, after]);
      return {};
    },
  },
];

/** Documents through a script that stays; the third has the word that some scripts mind. */
async function throughScript(stage: Stage, script: EngineScript, deadCodes: readonly string[]): Promise<Outcome> {
  const bench = await stage.bench();
  const documents = Array.from({ length: 12 }, (_, i) => ({
    id: `doc-${i}`,
    text: makeText(bench.random, `doc-${i}`),
  }));
  const bad = deadCodes.length > 0;
  if (bad) documents[2] = { id: 'doc-2', text: `refusedword ${documents[2]!.text}` };
  await bench.worker();
  bench.engine.become(script);
  await bench.handIn(documents);
  await bench.settled();
  const letters: string[] = [];
  for await (const letter of bench.ledger.deadLetters()) letters.push(`${letter.documentId} ${letter.code}`);
  if (bad && !(letters.length === 1 && deadCodes.some((code) => letters[0] === `doc-2 ${code}`))) {
    throw new Error(`dead: ${letters.join(', ') || 'nothing'}`);
  }
  if (!bad) await bench.expectUntouched();
  await bench.expectStored(
    documents.map((document, i) => (bad && i === 2 ? { id: document.id, text: undefined, dead: true } : document)),
  );
  return {};
}

function onlyWord(embedding: unknown): EngineScript {
  return ({ texts }) => {
    if (!texts.some((text) => text.includes('refusedword'))) return undefined;
    return {
      status: 200,
      body: {
        data: texts.map((text, index) => ({
          index,
          embedding: text.includes('refusedword') ? embedding : encoded(nullVector(text, ENGINE_DIMENSION)),
        })),
      },
    };
  };
}

function vectors(of: readonly Float32Array[]): HttpReply {
  return { status: 200, body: { data: of.map((vector, index) => ({ index, embedding: encoded(vector) })) } };
}

function otherVector(i: number): Float32Array {
  const vector = new Float32Array(ENGINE_DIMENSION);
  vector[i % ENGINE_DIMENSION] = 1;
  return vector;
}

function encoded(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
