/**
 * Redis, Milvus and the engine behind TLS, every secret in a file, and a canary in each: the line works, nothing that any
 * process says holds a secret, nothing but a search says what a document says, and a certificate that nobody vouches for is refused.
 */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReleaser } from '@sluice/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startJinaTinyServer } from '../support/jina-tiny-server.ts';
import { sharedStack } from '../support/stack.ts';
import { startTlsFront, tlsAuthority } from '../support/tls-front.ts';
import { startValkey } from '../support/valkey.ts';
import { serve } from './serving.ts';
import { createSluice, type Sluice } from './sluice.ts';
import { tinySettings } from './tiny-settings.ts';

const releaser = createReleaser({ deadlineMs: 60_000 });
const { milvus } = sharedStack();
/** API keys and the session are added as they are made. */
const canaries: Record<string, string> = {
  redis: 'canary-redis-password',
  engine: 'canary-engine-key',
  hub: 'canary-hub-token',
  milvus: milvus.password,
};
const TEXT = 'canary-document-text';
const dead = { id: 'dead-letter', text: `${TEXT} POISON` };
const ndjson = { 'content-type': 'application/x-ndjson' };
let sluice: Sluice;
let settings: Record<string, string>;
/** Everything that any process has said. */
const said: string[] = [];

beforeAll(async () => {
  // As narrow a user as SECURITY.md says is enough.
  const rights = ['~{sluice*', '&*', '+@all', '-@dangerous', '+info'];
  const valkey = await startValkey(['--user', 'canary', 'on', `>${canaries.redis}`, ...rights]);
  releaser.push('Valkey', () => valkey.stop());
  const engine = await startJinaTinyServer({
    script: ({ texts }) =>
      texts.some((text) => text.includes('POISON'))
        ? { status: 400, body: { detail: { message: texts.join(), code: 'BAD' } } }
        : undefined,
  });
  releaser.push('the engine', () => engine.close());
  const folder = await mkdtemp(join(tmpdir(), 'sluice-secrets-'));
  releaser.push('the secrets', () => rm(folder, { recursive: true }));
  const front = async (target: string) => {
    const opened = await startTlsFront(target);
    releaser.push('a TLS front', () => opened.close());
    return opened.address;
  };
  const [redis, store, embedder] = await Promise.all([front(valkey.url), front(milvus.address), front(engine.url)]);
  const secrets = {
    SLUICE_REDIS_URL: `rediss://canary:${canaries.redis}@${redis}`,
    SLUICE_MILVUS_TOKEN: `${milvus.username}:${milvus.password}`,
    SLUICE_ENGINE_API_KEY: canaries.engine,
    SLUICE_HUB_TOKEN: canaries.hub,
  };
  const files: Record<string, string> = {};
  for (const [name, secret] of Object.entries(secrets)) {
    files[`${name}_FILE`] = join(folder, name);
    await writeFile(join(folder, name), `${secret}\n`, { mode: 0o600 });
  }
  settings = {
    ...tinySettings(`https://${embedder}`),
    ...files,
    SLUICE_REDIS_URL: '',
    SLUICE_MILVUS_ADDRESS: `https://${store}`,
    SLUICE_MILVUS_USERNAME: '',
    SLUICE_MILVUS_PASSWORD: '',
    SLUICE_LOG_LEVEL: 'trace',
    NODE_EXTRA_CA_CERTS: tlsAuthority,
  };
  sluice = createSluice('test-secrets', settings);
});
afterAll(() => releaser.release());

test('the whole line works over TLS with secrets from files', async () => {
  const worker = sluice.start(['worker']);
  for (const stream of [worker.stdout!, worker.stderr!])
    stream.setEncoding('utf8').on('data', (part: string) => said.push(part));
  const { code, lines, stderr, stdout } = await sluice.run(
    ['ingest', '-', '--wait', '--json'],
    `{"id":"over-tls","text":"${TEXT}, stored over TLS from end to end."}\n${JSON.stringify(dead)}\n`,
  );
  said.push(stdout, stderr);
  // One of them is dead.
  expect(code, stderr).toBe(3);
  expect(lines.at(-1)).toMatchObject({ documents: { stored: 1, partial: 1 } });
  const metrics = /"url":"(http:[^"]+\/metrics)"/.exec(said.join(''))![1]!;
  for (const path of ['/metrics', '/readyz', '/livez']) said.push(await (await fetch(new URL(path, metrics))).text());
  worker.kill('SIGTERM');
  await once(worker, 'close');
});

test('a certificate that nobody vouches for is refused, by each of the three', async () => {
  const untrusting = createSluice('test-secrets', { ...settings, NODE_EXTRA_CA_CERTS: '' });
  const { code, stdout, stderr } = await untrusting.run(['doctor']);
  said.push(stdout, stderr);
  expect(code).not.toBe(0);
  for (const server of [/FAIL.*(Redis|queue)/i, /FAIL.*(Milvus|store)/i, /FAIL.*engine/i])
    expect(stdout).toMatch(server);
});

test('refusals name no secret', async () => {
  const wrong = [
    { SLUICE_REDIS_URL: `rediss://canary:${canaries.redis}@127.0.0.1:1` },
    { SLUICE_MILVUS_TOKEN_FILE: '', SLUICE_MILVUS_TOKEN: `root:wrong-${canaries.engine}` },
    { SLUICE_ENGINE_URL: `https://name:${canaries.engine}@127.0.0.1:1` },
    { SLUICE_ENGINE_URL: `ftp://name:${canaries.engine}@127.0.0.1:1` },
  ];
  const runs = await Promise.all(
    wrong.map((change) => createSluice('test-secrets', { ...settings, ...change }).run(['doctor', '--json'])),
  );
  for (const { code, stdout, stderr } of runs) {
    expect(code).not.toBe(0);
    said.push(stdout, stderr);
  }
});

test('the configuration prints none either', async () => {
  const engineUrl = `https://me:${canaries.engine}@gpu`;
  const [shown, json, userinfo] = await Promise.all([
    sluice.run(['config', 'show', '--origin']),
    sluice.run(['config', 'show', '--json']),
    createSluice('test-secrets', { ...settings, SLUICE_ENGINE_URL: engineUrl }).run(['config', 'show']),
  ]);
  expect(shown.stdout).toMatch(/SLUICE_MILVUS_TOKEN +\*\*\*/);
  for (const { stdout, stderr } of [shown, json, userinfo]) said.push(stdout, stderr);
});

test('the service says none, to whoever signs in, looks and hands in, nor in its log', async () => {
  const added = await sluice.run(['keys', 'add', 'canary', '--scope', 'admin', '--json']);
  const token = added.lines[0]!.token as string;
  canaries.apiKey = token.slice(-43);
  canaries.wrongKey = 'canary-wrong-key-of-somebody-who-mistyped-it';
  const worker = sluice.start(['worker']);
  for (const stream of [worker.stdout!, worker.stderr!])
    stream.setEncoding('utf8').on('data', (part: string) => said.push(part));
  const serving = await serve(sluice, [], { token });
  const form = (key: string) =>
    fetch(`${serving.url}/login`, { method: 'POST', body: new URLSearchParams({ key }), redirect: 'manual' });
  const refused = await form(canaries.wrongKey);
  said.push(await refused.text());
  expect(refused.status).toBe(401);
  const [cookie] = (await form(token)).headers.getSetCookie()[0]!.split(';');
  canaries.session = cookie!.split('=')[1]!;

  // Stored, dead, and rejected before it is cut.
  const documents = [
    { id: 'handed-in', text: `${TEXT}, handed in.` },
    { ...dead, id: 'dead-too' },
    { id: 'no-text', text: `<html><head><script>${TEXT}</script></head></html>`, format: 'html' },
  ];
  const lines = documents.map((document) => `${JSON.stringify(document)}\n`).join('');
  said.push(JSON.stringify((await serving.call('POST', '/documents', { documents })).body));
  said.push((await serving.call('POST', '/documents:stream', `${lines}{"text":"${TEXT}`, ndjson)).body as string);
  for (const [id, state] of [
    ['handed-in', 'stored'],
    ['dead-too', 'partial'],
    ['no-text', 'rejected'],
  ] as const) {
    said.push(JSON.stringify((await serving.untilState(id, state)).body));
  }

  const asked = async (path: string) => {
    const response = await fetch(serving.url + path, { headers: { cookie: cookie! } });
    const answer = path === '/live/events' ? await firstOf(response) : await response.text();
    said.push(answer);
    return { status: response.status, answer };
  };
  for (const path of ['/', '/board/', '/board/api/redis/stats', '/docs/json', '/live/events', '/document?id=dead-too'])
    expect((await asked(path)).status).toBe(200);
  for (const queue of ['dead-letters', 'submissions']) {
    const list = await asked(`/board/api/queues?activeQueue=${queue}&status=failed&page=1&jobsPerPage=10`);
    const { queues } = JSON.parse(list.answer) as { queues: { name: string; jobs: { id: string }[] }[] };
    const [job] = queues.find(({ name }) => name === queue)!.jobs;
    expect((await asked(`/board/api/queues/${queue}/${job!.id}`)).status).toBe(200);
  }
  expect((await asked('/nowhere')).status).toBe(404);
  const metrics = /"url":"(http:[^"]+\/metrics)"/.exec(serving.log.join('\n'))![1]!;
  for (const path of ['/metrics', '/readyz', '/livez']) said.push(await (await fetch(new URL(path, metrics))).text());
  await serving.stop();
  worker.kill('SIGTERM');
  await once(worker, 'close');
  expect(serving.log.join('\n')).toContain('"login refused"');
  said.push(...serving.log);
});

test('no secret was said by anyone, and nothing of a document', () => {
  const all = said.join('\n');
  expect(all.length).toBeGreaterThan(10_000);
  for (const [name, secret] of Object.entries(canaries)) expect([name, all.includes(secret)]).toEqual([name, false]);
  expect(all).toContain('dead-letter');
  for (const text of [TEXT, 'POISON']) expect(all.split('\n').filter((line) => line.includes(text))).toEqual([]);
});

async function firstOf(response: Response): Promise<string> {
  const reader = response.body!.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return Buffer.from(value!).toString();
}
