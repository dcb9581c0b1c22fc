/** The service as other services meet it: hand in, look, search, delete; and everything that it refuses. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readLine } from './line-reader.ts';
import { type Serving, serve } from './serving.ts';
import { createSluice } from './sluice.ts';

const MARK = 20_000;
const sluice = createSluice('test-service', {
  SLUICE_BACKLOG_TOKENS: String(MARK),
  SLUICE_MAX_DOCUMENT_BYTES: '200000',
  SLUICE_MAX_LINE_BYTES: '300000',
});
const deep = `{"id":"deep","text":"x","metadata":{"a":${'['.repeat(40)}${']'.repeat(40)}}}`;
let service: Serving;
let worker: Awaited<ReturnType<typeof sluice.worker>>;
beforeAll(async () => {
  [service, worker] = await Promise.all([serve(sluice), sluice.worker()]);
});
afterAll(async () => {
  await service.stop();
  worker.kill('SIGTERM');
});

test('a document is accepted with its revision, stored, found, and deleted', async () => {
  const accepted = await service.call('POST', '/documents', {
    id: 'guides/restore.md',
    text: '# Restoring\n\nA backup is restored with the command that made it.',
    format: 'markdown',
    metadata: { lang: 'en' },
  });
  expect(accepted.status).toBe(202);
  const [{ revision }] = accepted.body.documents;
  const stored = await service.untilState('guides/restore.md', 'stored');
  expect(stored.body).toMatchObject({ revision, readableRevision: revision, chunks: { count: 1, stored: 1, dead: 0 } });
  const found = await service.call('POST', '/search', { text: 'How is a backup restored?', hits: 1 });
  expect(found.body.hits).toEqual([expect.objectContaining({ docId: 'guides/restore.md', revision, rank: 1 })]);

  const deleted = await service.call('DELETE', '/documents/guides%2Frestore.md');
  expect(deleted.status).toBe(200);
  expect(Number(deleted.body.revision)).toBeGreaterThan(Number(revision));
  expect((await service.untilState('guides/restore.md', 'deleted')).body.readableRevision).toBeUndefined();
  expect((await service.call('POST', '/search', { text: 'How is a backup restored?' })).body.hits).toEqual([]);
});

test('an idempotency key is one submission; with other content it is a conflict', async () => {
  const send = (text: string) =>
    service.call('POST', '/documents', { id: 'once', text }, { 'idempotency-key': 'a-key' });
  const first = await send('The first text.');
  const again = await send('The first text.');
  expect(again.body.documents).toEqual([{ ...first.body.documents[0], repeated: true }]);
  const other = await send('Another text.');
  expect([other.status, other.body.code]).toEqual([409, 'idempotency_conflict']);
  expect((await service.untilState('once', 'stored')).body.revision).toBe(first.body.documents[0].revision);
});

test('what is stored already is unchanged, not a new revision; with other metadata it is one', async () => {
  const send = async (metadata: object) =>
    (await service.call('POST', '/documents', { id: 'same', text: 'The same text.', metadata })).body.documents[0];
  const first = await send({ lang: 'en' });
  await service.untilState('same', 'stored');
  expect(await send({ lang: 'en' })).toEqual({ ...first, unchanged: true });
  const other = await send({ lang: 'de' });
  expect([other.unchanged, BigInt(other.revision) > BigInt(first.revision)]).toEqual([false, true]);
  expect((await service.untilState('same', 'stored')).body.revision).toBe(other.revision);
});

test('what turns out to have no text after it was accepted says so', async () => {
  const html = '<html><head><script>let page;</script></head><body></body></html>';
  expect((await service.call('POST', '/documents', { id: 'page', text: html, format: 'html' })).status).toBe(202);
  const { body } = await service.untilState('page', 'rejected');
  expect(body.rejection).toMatchObject({ code: 'empty_document' });
  await service.call('POST', '/documents', { id: 'page', text: 'Now it has text.' });
  expect((await service.untilState('page', 'stored')).body.rejection).toBeUndefined();
});

test('several documents are accepted together or not at all, and every fault is pointed to', async () => {
  const refused = await service.call('POST', '/documents', {
    documents: [
      { id: 'fine', text: 'Fine.' },
      { id: 'a\u0000b', text: 'An id with a control character.' },
      { id: 'blank', text: ' \n ' },
    ],
  });
  expect(refused.status).toBe(422);
  expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(refused.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
    '#/documents/1/id',
    '#/documents/2/text',
  ]);
  expect((await service.call('GET', '/documents/fine')).status).toBe(404);
  const accepted = await service.call('POST', '/documents', {
    documents: [
      { id: 'one', text: 'One.' },
      { id: 'two', text: 'Two.' },
    ],
  });
  expect(accepted.body.documents.map(({ id }: { id: string }) => id)).toEqual(['one', 'two']);
});

test('a stream answers every line in order, and goes on after a bad one', async () => {
  const lines = [
    '{"id":"s1","text":"The first."}',
    'not json',
    '{"id":"s2","text":"The second.","surprise":1}',
    '',
    '{"id":"s3","text":"The third."}',
  ];
  const { status, body } = await service.call('POST', '/documents:stream', `${lines.join('\n')}\n`, {
    'content-type': 'application/x-ndjson',
  });
  expect(status).toBe(200);
  const verdicts = (body as string)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(verdicts.map(({ line, verdict, code }) => [line, verdict, code])).toEqual([
    [1, 'accepted', undefined],
    [2, 'rejected', 'broken_ndjson'],
    [3, 'rejected', 'broken_ndjson'],
    [5, 'accepted', undefined],
    [undefined, 'end', undefined],
  ]);
  expect(verdicts.at(-1)).toEqual({ verdict: 'end', accepted: 2, unchanged: 0, rejected: 2, failed: 0 });
  await service.untilState('s3', 'stored');
  const again = await service.call('POST', '/documents:stream', lines.at(-1), {
    'content-type': 'application/x-ndjson',
  });
  expect(again.body).toMatch(/"verdict":"unchanged".*\n.*"unchanged":1/);
});

test('a line of a stream costs itself alone, whatever bytes it has', async () => {
  const body = Buffer.concat([
    Buffer.from('{"id":"crlf","text":"Ended as on Windows."}\r\n'),
    Buffer.from('{"id":"latin","text":"caf\u00e9"}\n', 'latin1'),
    Buffer.from(`{"id":"long","text":"${'x'.repeat(300_000)}"}\n`),
    Buffer.from(`{"id":"large","text":"${'x'.repeat(250_000)}"}\n`),
    Buffer.from(`${deep}\n`),
    Buffer.from('{"id":"tail","text":"Cut of'),
  ]);
  const answer = await fetch(`${service.url}/v1/lines/test-service/documents:stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body,
  });
  const verdicts = (await answer.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(verdicts.map(({ line, verdict, code }) => [line, code ?? verdict])).toEqual([
    [1, 'accepted'],
    [2, 'invalid_utf8'],
    [3, 'line_too_long'],
    [4, 'document_too_large'],
    [5, 'too_deep'],
    [6, 'broken_ndjson'],
    [undefined, 'end'],
  ]);
});

test('what is odd in a text and no fault is stored as it is', async () => {
  const text = 'NUL \u0000, right-to-left \u202eabc\u202c, zero \u200b width, \ufeff a mark, </s> <mask> and 👩‍👩‍👧.';
  const withMark = `\ufeff${JSON.stringify({ id: 'odd', text })}`;
  expect((await service.call('POST', '/documents', withMark)).status).toBe(202);
  await service.untilState('odd', 'stored');
  const { hits } = (await service.call('POST', '/search', { text: 'zero width', hits: 50 })).body;
  expect(hits.find(({ docId }: { docId: string }) => docId === 'odd').text).toBe(text);
});

test('without room a request is refused with the time after which to come again, a stream waits, and both go on', async () => {
  const { ledger, close } = await readLine(sluice.line);
  await ledger.pause('to fill it');
  let sent = 0;
  const submit = (query = '') => {
    sent += 1;
    return service.call('POST', `/documents${query}`, { id: `full-${sent}`, text: `${sent} ${'word '.repeat(3_000)}` });
  };
  const fill = async (query?: string) => {
    for (;;) {
      const answer = await submit(query);
      if (answer.status !== 202) return answer;
    }
  };
  const bulk = await fill('?priority=bulk');
  expect([bulk.status, bulk.body.code]).toEqual([503, 'backlog_full']);
  const live = await fill();
  expect([live.status, live.body.code]).toEqual([503, 'backlog_full']);
  for (const { headers } of [bulk, live]) expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect((await service.call('GET', '/stats')).body).toMatchObject({ backlogMark: MARK, paused: 'to fill it' });

  const stream = service.call('POST', '/documents:stream', '{"id":"waited","text":"It had to wait."}\n', {
    'content-type': 'application/x-ndjson',
  });
  const other = await service.call(
    'POST',
    '/documents:stream',
    '{"id":"first","tenant":"other","text":"Its turn."}\n',
    {
      'content-type': 'application/x-ndjson',
    },
  );
  // While the first still waits: another tenant has nothing in the backlog.
  expect(other.body).toMatch(/"id":"first","verdict":"accepted"/);
  await ledger.resume();
  await close();
  expect((await stream).body).toMatch(/"id":"waited","verdict":"accepted"/);
  while ((await submit()).status !== 202);
});

test('a run is watched until everything that it handed in has ended', async () => {
  const { run } = await sluice.ingest(['-'], '{"id":"by-run","text":"Handed in by the command."}');
  const { body } = await service.call('GET', `/runs/${run}`);
  expect(body).toMatchObject({ id: run, ended: true, documents: { accepted: 1, stored: 1 } });
  const events = await service.call('GET', `/runs/${run}/events`);
  expect(events.headers.get('content-type')).toMatch(/^text\/event-stream/);
  expect(events.body).toMatch(/^event: progress\ndata: \{.*\}\n\nevent: end\ndata: \{.*\}\n\n$/);
  const stats = await service.call('GET', '/stats');
  expect(stats.body).toMatchObject({ line: 'test-service', workers: 1, deadLetters: 0 });
});

test.each([
  ['POST', '/documents', 'no json', 400, 'bad_request', '{'],
  ['POST', '/documents', 'a reserved key', 400, 'bad_request', '{"id":"a","text":"x","__proto__":{}}'],
  ['POST', '/documents', 'nested too deep', 422, 'too_deep', deep],
  ['POST', '/documents', 'an unknown field', 422, 'invalid_request', '{"id":"a","text":"x","colour":"red"}'],
  [
    'POST',
    '/documents',
    'a number beyond 2^53',
    422,
    'invalid_metadata',
    '{"id":"a","text":"x","metadata":{"n":9007199254740993}}',
  ],
  ['POST', '/documents', 'a lone surrogate', 422, 'malformed_unicode', '{"id":"a","text":"\\ud800"}'],
  [
    'POST',
    '/documents',
    'a reserved key in the metadata',
    400,
    'bad_request',
    '{"id":"a","text":"x","metadata":{"__proto__":1}}',
  ],
  ['POST', '/documents', 'a number beyond all', 422, 'invalid_request', '{"id":"a","text":"x","metadata":{"n":1e400}}'],
  [
    'POST',
    '/documents',
    'metadata that are too large',
    422,
    'invalid_metadata',
    `{"id":"a","text":"x","metadata":{"n":"${'x'.repeat(17_000)}"}}`,
  ],
  [
    'POST',
    '/documents',
    'a control character in a key of metadata',
    422,
    'invalid_metadata',
    '{"id":"a","text":"x","metadata":{"n\\u0000":1}}',
  ],
  ['POST', '/documents', 'an id of another type', 422, 'invalid_request', '{"id":1,"text":"x"}'],
  ['POST', '/documents', 'no id', 422, 'invalid_request', '{"id":"","text":"x"}'],
  ['POST', '/documents', 'an id of too many bytes', 422, 'invalid_id', `{"id":"${'é'.repeat(300)}","text":"x"}`],
  ['POST', '/documents', 'an id that reads backwards', 422, 'invalid_id', '{"id":"a\u202eb","text":"x"}'],
  ['POST', '/documents', 'an id with hidden tags', 422, 'invalid_id', '{"id":"a\u{e0041}","text":"x"}'],
  [
    'POST',
    '/documents',
    'a tenant that is too long',
    422,
    'invalid_tenant',
    `{"id":"a","text":"x","tenant":"${'é'.repeat(100)}"}`,
  ],
  [
    'POST',
    '/documents',
    'one id with two texts',
    422,
    'duplicate_id',
    '{"documents":[{"id":"a","text":"x"},{"id":"a","text":"y"}]}',
  ],
  [
    'POST',
    '/documents',
    'one id with other metadata',
    422,
    'duplicate_id',
    '{"documents":[{"id":"a","text":"x"},{"id":"a","text":"x","metadata":{"n":1}}]}',
  ],
  [
    'POST',
    '/documents',
    'too many documents',
    422,
    'invalid_request',
    `{"documents":[${Array(1_001).fill('{"id":"a","text":"x"}')}]}`,
  ],
  [
    'POST',
    '/documents',
    'a document that is too large',
    413,
    'document_too_large',
    `{"id":"a","text":"${'x'.repeat(200_001)}"}`,
  ],
  ['POST', '/documents', 'only white space', 422, 'empty_document', '{"id":"a","text":" \\n"}'],
  ['GET', '/documents/%ff', 'an id that is no UTF-8', 400, 'bad_request', undefined],
  [
    'GET',
    '/documents/..%2f..%2fetc%2fpasswd',
    'a path for an id, which is a name like any other',
    404,
    'unknown_document',
    undefined,
  ],
  ['POST', '/documents?priority=soon', 'an unknown priority', 422, 'invalid_request', '{"id":"a","text":"x"}'],
  ['GET', '/documents/nobody-knows-it', 'an unknown document', 404, 'unknown_document', undefined],
  ['GET', '/runs/r999', 'an unknown run', 404, 'unknown_run', undefined],
  ['PUT', '/documents', 'another method', 405, 'method_not_allowed', '{}'],
  ['GET', '/nothing', 'an unknown path', 404, 'unknown_path', undefined],
])('%s %s with %s is %i %s', async (method, path, _what, status, code, body) => {
  const answer = await service.call(method, path, body);
  expect([answer.status, answer.body.code, answer.body.type]).toEqual([status, code, `urn:sluice:problem:${code}`]);
  expect(answer.body.fix).not.toBe('');
});

test('a body that is too large, of another type, or of another encoding is refused', async () => {
  const large = await service.call('POST', '/documents', { id: 'large', text: 'x'.repeat(17_000_000) });
  expect([large.status, large.body.code]).toEqual([413, 'request_too_large']);
  const form = await service.call('POST', '/documents', 'id=a&text=b', {
    'content-type': 'application/x-www-form-urlencoded',
  });
  expect([form.status, form.body.code]).toEqual([415, 'unsupported_media_type']);
  const latin = await fetch(`${service.url}/v1/lines/test-service/documents`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from('{"id":"latin","text":"caf\u00e9"}', 'latin1'),
  });
  expect(latin.status).toBe(400);
});

test('another line is unknown, and the reference page needs nothing from elsewhere', async () => {
  expect((await fetch(`${service.url}/v1/lines/no-such-line/stats`)).status).toBe(404);
  const document = (await (await fetch(`${service.url}/openapi.json`)).json()) as {
    openapi: string;
    paths: object;
    components: { schemas: object };
  };
  expect(document.openapi).toMatch(/^3\.1/);
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining(['/v1/lines/{line}/documents', '/v1/lines/{line}/documents:stream']),
  );
  // Every schema that the document names is used in it.
  const written = JSON.stringify(document);
  for (const name of Object.keys(document.components.schemas)) expect(written).toContain(`/schemas/${name}"`);
  const page = await fetch(`${service.url}/docs/`);
  expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'self'/);
  expect(await page.text()).not.toMatch(/(src|href)="(https?:)?\/\//);
});
