/** Which classes are right, seen on `sluice engine` with the toy model: what is right was computed by the Python reference stack. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { JinaAIEmbedding } from '@llamaindex/jinaai';
import { OpenAIEmbedding } from '@llamaindex/openai';
import { SluiceEmbedding } from './embeddings.mjs';

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

test('the class of this example gives the golden vectors of nodes and of queries', async () => {
  const embeddings = new SluiceEmbedding({ url, dimension });
  const nodes = await embeddings.getTextEmbeddings(known.map(({ text }) => text));
  assert.ok(known.length >= 5);
  for (const [i, text] of known.entries()) {
    const query = await embeddings.getQueryEmbedding({ type: 'text', text: text.text });
    assert.ok(cosine(nodes[i], goldenOf(text, 'retrieval.passage')) > 0.99999, text.text);
    assert.ok(cosine(query, goldenOf(text, 'retrieval.query')) > 0.99999, text.text);
  }
});

test('JinaAIEmbedding has one task: right for nodes, and its queries are passages', async () => {
  const baseURL = `${url}/v1/embeddings`;
  const embeddings = new JinaAIEmbedding({ apiKey: 'none', baseURL, task: 'retrieval.passage', dimensions: dimension });
  const [text] = known;
  const node = await embeddings.getTextEmbedding(text.text);
  const query = await embeddings.getQueryEmbedding({ type: 'text', text: text.text });
  assert.ok(cosine(node, goldenOf(text, 'retrieval.passage')) > 0.99999);
  assert.ok(cosine(query, goldenOf(text, 'retrieval.passage')) > 0.99999);
  assert.ok(cosine(query, goldenOf(text, 'retrieval.query')) < 0.9);
});

test('OpenAIEmbedding sends no task, and the engine refuses it instead of giving the wrong vectors', async () => {
  const embeddings = new OpenAIEmbedding({
    apiKey: 'none',
    model: 'jina-embeddings-v3',
    maxRetries: 0,
    additionalSessionOptions: { baseURL: `${url}/v1` },
  });
  await assert.rejects(embeddings.getTextEmbedding('a text'), /400/);
});
