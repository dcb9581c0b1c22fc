/** What keys may do: scopes, lines, tenants, allowances; and that without any key nobody beyond this machine is answered. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startValkey, type TestValkey } from '../support/valkey.ts';
import { type Serving, serve } from './serving.ts';
import { createSluice, type Sluice } from './sluice.ts';

// Keys belong to a Redis, and other tests of the shared one need there to be none.
let valkey: TestValkey;
let sluice: Sluice;
let service: Serving;
let worker: Awaited<ReturnType<Sluice['worker']>>;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  valkey = await startValkey();
  sluice = createSluice('test-keys', {
    SLUICE_REDIS_URL: valkey.url,
    SLUICE_ENGINE: 'null',
    SLUICE_FULL_DIMENSION: '32',
    SLUICE_DIMENSION: '32',
  });
  const refused = await sluice.run(['serve', '--host', '0.0.0.0', '--port', '0']);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('keys_needed')]);
  const keys: [string, ...string[]][] = [
    ['writer', '--scope', 'ingest'],
    ['reader', '--scope', 'read'],
    ['elsewhere', '--scope', 'ingest,read', '--lines', 'another-line'],
    ['acme', '--scope', 'ingest,read', '--tenant', 'acme'],
    ['rival', '--scope', 'ingest,read', '--tenant', 'rival'],
    ['slow', '--scope', 'ingest,read', '--requests', '1'],
    ['small', '--scope', 'ingest', '--tokens', '100'],
    ['heavy', '--scope', 'ingest', '--bytes', '1000'],
    ['chunked', '--scope', 'ingest', '--bytes', '1000'],
    ['flowing', '--scope', 'ingest', '--bytes', '5000'],
    ['patient', '--scope', 'ingest', '--tokens', '60000'],
    ['indebted', '--scope', 'ingest', '--tokens', '1'],
    ['gone', '--scope', 'admin'],
  ];
  await Promise.all(
    keys.map(async (args) => {
      const { code, lines } = await sluice.run(['keys', 'add', ...args, '--json']);
      expect(code).toBe(0);
      tokens[args[0]] = lines[0]!.token as string;
    }),
  );
  [service, worker] = await Promise.all([serve(sluice), sluice.worker()]);
});
afterAll(async () => {
  await service.stop();
  worker.kill('SIGTERM');
  await valkey.stop();
});

const as = (name: string) => ({ authorization: `Bearer ${tokens[name]}` });
const submit = (name: string, document: object) => service.call('POST', '/documents', document, as(name));

test('no key, a wrong one and another scheme are refused alike', async () => {
  const wrong = `${tokens.writer!.slice(0, -1)}${tokens.writer!.endsWith('A') ? 'B' : 'A'}`;
  for (const headers of [{}, { authorization: `Bearer ${wrong}` }, { authorization: 'Basic eDp5' }]) {
    const answer = await service.call('GET', '/stats', undefined, headers as Record<string, string>);
    expect([answer.status, answer.body.code]).toEqual([401, 'unauthorized']);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  }
  await vi.waitUntil(() => service.log.filter((line) => line.includes('"caller refused"')).length === 3, {
    timeout: 60_000,
  });
  expect(service.log.join()).not.toContain(wrong);
});

test('a scope allows what it says, and a key its lines', async () => {
  expect((await submit('writer', { id: 'w', text: 'Written.' })).status).toBe(202);
  expect((await service.call('GET', '/stats', undefined, as('writer'))).body.code).toBe('forbidden');
  expect((await service.call('GET', '/stats', undefined, as('reader'))).status).toBe(200);
  expect((await submit('reader', { id: 'r', text: 'x' })).body.code).toBe('forbidden');
  expect((await service.call('DELETE', '/documents/w', undefined, as('reader'))).body.code).toBe('forbidden');
  expect((await submit('elsewhere', { id: 'e', text: 'x' })).body.code).toBe('forbidden');
});

test('two tenants hand in the same id: two documents, and neither reads, replaces or deletes the other’s', async () => {
  const [acme] = (await submit('acme', { id: 'plan', text: 'The plan of acme.' })).body.documents;
  const [rival] = (await submit('rival', { id: 'plan', text: 'The plan of the rival.' })).body.documents;
  expect([acme.tenant, rival.tenant]).toEqual(['acme', 'rival']);
  const stored = async (name: string) => (await service.untilState('plan', 'stored', as(name))).body;
  expect((await stored('acme')).revision).toBe(acme.revision);
  expect((await stored('rival')).revision).toBe(rival.revision);
  const search = async (name: string) =>
    (await service.call('POST', '/search', { text: 'plan', hits: 10 }, as(name))).body.hits.map(
      ({ text }: { text: string }) => text,
    );
  expect(await search('acme')).toEqual(['The plan of acme.']);
  expect(await search('rival')).toEqual(['The plan of the rival.']);
  for (const [method, path, body] of [
    ['POST', '/documents', { id: 'plan', text: 'x', tenant: 'acme' }],
    ['POST', '/search', { text: 'plan', tenant: 'acme' }],
    ['GET', '/documents/plan?tenant=acme', undefined],
    ['DELETE', '/documents/plan?tenant=acme', undefined],
  ] as const) {
    expect((await service.call(method, path, body, as('rival'))).body.code).toBe('forbidden');
  }
  expect((await service.call('DELETE', '/documents/plan', undefined, as('rival'))).status).toBe(200);
  await service.untilState('plan', 'deleted', as('rival'));
  expect((await stored('acme')).readableRevision).toBe(acme.revision);
  expect(await search('acme')).toEqual(['The plan of acme.']);
});

test('idempotency keys belong to the API key that sent them', async () => {
  const send = (name: string) =>
    service.call(
      'POST',
      '/documents',
      { id: 'same', text: `From ${name}.` },
      { ...as(name), 'idempotency-key': 'one' },
    );
  expect((await send('acme')).body.documents[0].repeated).toBe(false);
  expect((await send('rival')).body.documents[0].repeated).toBe(false);
  expect((await send('acme')).body.documents[0].repeated).toBe(true);
});

test('an allowance that is used up says when to come back', async () => {
  let last: Awaited<ReturnType<typeof service.call>>;
  do last = await service.call('GET', '/stats', undefined, as('slow'));
  while (last.status === 200);
  expect([last.status, last.body.code]).toEqual([429, 'rate_limited']);
  expect((await submit('small', { id: 'big', text: 'word '.repeat(400) })).status).toBe(202);
  const refused = await submit('small', { id: 'more', text: 'word '.repeat(400) });
  expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(60);
  expect((await submit('heavy', { id: 'big', text: 'word '.repeat(400) })).status).toBe(202);
  expect((await submit('heavy', { id: 'more', text: 'word' })).body.code).toBe('rate_limited');
});

/** A document a line; its verdicts. */
async function stream(name: string, documents: object[]) {
  const lines = documents.map((document) => `${JSON.stringify(document)}\n`).join('');
  const headers = { ...as(name), 'content-type': 'application/x-ndjson' };
  const { body } = await service.call('POST', '/documents:stream', lines, headers);
  return (body as string).split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}

test('bytes are counted as they come, whether or not anybody said how many', async () => {
  const document = { id: 'bytes', text: 'word '.repeat(800) };
  const chunked = () =>
    fetch(`${service.url}/v1/lines/${sluice.line}/documents`, {
      method: 'POST',
      headers: { ...as('chunked'), 'content-type': 'application/json' },
      body: new Blob([JSON.stringify(document)]).stream(),
      duplex: 'half',
    } as RequestInit);
  expect((await chunked()).status).toBe(202);
  expect((await chunked()).status).toBe(429);
  expect(await stream('flowing', [document])).toMatchObject([{ verdict: 'accepted' }, { verdict: 'end' }]);
  expect((await submit('flowing', document)).body.code).toBe('rate_limited');
});

test('a stream waits for its allowance of tokens, keeps the order of its lines, and says when a wait would be too long', async () => {
  const first = { id: 'ordered', text: 'A word of many. '.repeat(15_000) };
  const verdicts = await stream('patient', [
    first,
    { id: 'ordered', text: 'The later text.' },
    { id: 'x', text: 'More.' },
  ]);
  expect(verdicts.at(-1)).toMatchObject({ verdict: 'end', accepted: 3 });
  expect(BigInt(verdicts[1].revision)).toBeGreaterThan(BigInt(verdicts[0].revision));
  const [accepted, failed] = await stream('indebted', [
    { id: 'debt', text: 'word '.repeat(400) },
    { id: 'late', text: 'Later.' },
  ]);
  expect(accepted.verdict).toBe('accepted');
  expect(failed).toMatchObject({ id: 'late', verdict: 'failed', code: 'rate_limited' });
  expect(failed.retryAfter).toBeGreaterThan(300);
});

test('while Redis does not answer, what the service cannot take in hand is refused at once, and nobody has it all', async () => {
  const MOST = 256;
  const refusedBy = (answers: Awaited<ReturnType<typeof submit>>[]) =>
    answers.filter(({ status, body }) => status === 503 && body.code === 'service_busy');
  const answers: Awaited<ReturnType<typeof submit>>[] = [];
  const flood = (name: string, count: number) =>
    Array.from({ length: count }, async (_, i) => {
      answers.push(await submit(name, { id: `flood-${name}-${i}`, text: 'Too many.' }));
    });
  valkey.freeze();
  let requests: Promise<void>[];
  try {
    requests = flood('writer', MOST + 50);
    // The others are in hand, or wait for Redis to say whose they are.
    await vi.waitUntil(() => refusedBy(answers).length >= 50, { timeout: 60_000 });
    expect(Number(refusedBy(answers)[0]!.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  } finally {
    valkey.thaw();
  }
  await Promise.all(requests);
  expect(answers.map(({ status }) => status).filter((status) => status !== 202 && status !== 503)).toEqual([]);
  await vi.waitUntil(async () => (await submit('writer', { id: 'after', text: 'Afterwards.' })).status === 202, {
    timeout: 60_000,
  });
});

/** Reads what is open until it ends, however it ends. */
async function untilItEnds(open: Response): Promise<void> {
  expect(open.status).toBe(200);
  await open.text().catch(() => undefined);
}

test('a revoked key is refused, what is open under it ends, keys are listed without their secrets', async () => {
  expect((await service.call('GET', '/stats', undefined, as('gone'))).status).toBe(200);
  await sluice.run(['pause', '--reason', 'a run that does not end']);
  const ingested = await sluice.run(['ingest', '-', '--json'], '{"id":"held","text":"It waits."}\n');
  const get = (path: string) => fetch(service.url + path, { headers: as('gone') });
  const { promise: never, resolve: closeBody } = Promise.withResolvers<void>();
  const silent = new ReadableStream({
    async start(controller) {
      controller.enqueue(Buffer.from('{"id":"s","text":"Under way."}\n'));
      await never;
    },
  });
  const open = await Promise.all([
    get('/live/events'),
    get(`/v1/lines/${sluice.line}/runs/${ingested.lines.at(-1)!.run}/events`),
    fetch(`${service.url}/v1/lines/${sluice.line}/documents:stream`, {
      method: 'POST',
      headers: { ...as('gone'), 'content-type': 'application/x-ndjson' },
      body: silent,
      duplex: 'half',
    } as RequestInit),
  ]);
  expect((await sluice.run(['keys', 'revoke', 'gone'])).code).toBe(0);
  await Promise.all(open.map(untilItEnds));
  closeBody();
  while ((await service.call('GET', '/stats', undefined, as('gone'))).status !== 401);
  const { stdout } = await sluice.run(['keys', 'list', '--json']);
  expect(stdout).toContain('"acme"');
  for (const token of Object.values(tokens)) expect(stdout).not.toContain(token.slice(-43));
});
