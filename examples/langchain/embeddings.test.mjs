/** Which classes are right, seen on `sluice engine` with the toy model: what is right was computed by the Python reference stack. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { OpenAIEmbeddings } from '@langchain/openai';
import { createEmbeddings } from './embeddings.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const tiny = `${root}test/fixtures/jina-v3-tiny`;
const dimension = 64;
const golden = JSON.parse(await readFile(`${tiny}/golden.json`, 'utf8'));
const known = golden.texts.filter(({ text }) => text.length < 500 && text.trim() !== '');

let engine;
let url;
before(async () => {
  engine = spawn(
    process.execPath,
    [`${root}apps/cli/bin/sluice.mjs`, 'engine', '--model-dir', tiny, '--port', '0', '--json'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = once(engine, 'exit').then(([code]) => Promise.reject(new Error(`the engine ended with ${code}`)));
  const [line] = await Promise.race([once(createInterface({ input: engine.stdout }), 'line'), ended]);
  ended.catch(() => undefined);
  url = JSON.parse(line).url;
});
after(() => engine.kill());

const goldenOf = ({ vectors }, variant) => {
  const bytes = Buffer.from(vectors[variant].v, 'base64');
  return Array.from({ length: dimension }, (_, i) => bytes.readFloatLE(4 * i));
};
const cosine = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0) / (Math.hypot(...a) * Math.hypot(...b));

test('JinaEmbeddings, set up as here, gives the golden vectors of documents and of queries', async () => {
  const embeddings = createEmbeddings({ url, dimension });
  const documents = await embeddings.embedDocuments(known.map(({ text }) => text));
  assert.ok(known.length >= 5);
  for (const [i, text] of known.entries()) {
    assert.ok(cosine(documents[i], goldenOf(text, 'retrieval.passage')) > 0.99999, text.text);
    assert.ok(cosine(await embeddings.embedQuery(text.text), goldenOf(text, 'retrieval.query')) > 0.99999, text.text);
  }
});

test('OpenAIEmbeddings sends no task, and the engine refuses it instead of giving the wrong vectors', async () => {
  const embeddings = new OpenAIEmbeddings({
    apiKey: 'none',
    model: 'jina-embeddings-v3',
    maxRetries: 0,
    configuration: { baseURL: `${url}/v1` },
  });
  await assert.rejects(embeddings.embedQuery('a query'), /400/);
});
