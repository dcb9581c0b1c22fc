/** The service as other services meet it: hand in, look, search, delete; and everything that it refuses. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Serving, serve } from './serving.ts';
import { createSluice } from './sluice.ts';

const sluice = createSluice('test-service');
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

const deep = `{"id":"deep","text":"x","metadata":{"a":${'['.repeat(40)}${']'.repeat(40)}}}`;
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
