/** The dashboard, by program and by browser: who may see what, who may do what, and that no text of a document is in any of it. */
import { type ClientRequestArgs, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { openBoardQueues } from '@sluice/queue';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { browserPath, browserRequired, startBrowser } from '../support/browser.ts';
import { SECRET_TEXT, SECRETS, startWatchedLine } from './watched-line.ts';

let watched: Awaited<ReturnType<typeof startWatchedLine>>;
beforeAll(async () => {
  watched = await startWatchedLine('test-dashboard');
});
afterAll(() => watched.close());

interface Answer {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  body: string;
}

/** Not `fetch`: it would not let a test say where a request comes from. */
function call(method: string, path: string, headers: ClientRequestArgs['headers'] = {}, body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(watched.url + path, { method, headers }, async (response) => {
      let text = '';
      for await (const part of response.setEncoding('utf8')) text += part;
      resolve({ status: response.statusCode!, headers: response.headers, body: text });
    });
    sent.on('error', reject).end(body);
  });
}

const form = { 'content-type': 'application/x-www-form-urlencoded' };

/** The cookie of a session. */
async function signIn(token: string): Promise<string> {
  const { status, headers } = await call('POST', '/login', form, `key=${token}&next=%2F`);
  expect(status).toBe(303);
  return headers['set-cookie']![0]!.split(';')[0]!;
}

const queues = '/board/api/queues?activeQueue=dead-letters&status=failed&page=1&jobsPerPage=10';
const retryAll = '/board/api/queues/dead-letters/retry/failed';

test('whoever has no key is sent to the login page, and gets nothing else', async () => {
  const page = await call('GET', '/', { accept: 'text/html' });
  expect([page.status, page.headers.location]).toEqual([303, '/login?next=%2F']);
  for (const path of ['/live/events', '/board/', queues, '/document?id=fine.md'])
    expect((await call('GET', path)).status).toBe(401);
  expect((await call('POST', '/login', form, 'key=sluice_000000000000_x')).status).toBe(401);
  expect((await call('GET', '/login?next=//evil.example')).body).toContain('name="next" value="/"');
});

test('a session is a cookie that scripts and other sites cannot use, and ends with its key', async () => {
  const { headers } = await call('POST', '/login', form, `key=${watched.tokens.reader}`);
  expect(headers['set-cookie']![0]).toMatch(
    /^sluice_session=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/,
  );
  const behindTls = await call(
    'POST',
    '/login',
    { ...form, 'x-forwarded-proto': 'https' },
    `key=${watched.tokens.reader}`,
  );
  expect(behindTls.headers['set-cookie']![0]).toMatch(/; Secure$/);

  const cookie = await signIn(watched.tokens.revoked);
  expect((await call('GET', '/', { cookie })).status).toBe(200);
  await watched.keys.revoke('revoked');
  await until(async () => (await call('GET', '/', { cookie })).status === 401);

  const other = await signIn(watched.tokens.reader);
  expect((await call('POST', '/logout', { cookie: other })).status).toBe(303);
  expect((await call('GET', '/', { cookie: other })).status).toBe(401);
});

test('a key of one tenant, or without read, sees nothing of the others', async () => {
  for (const token of [watched.tokens.tenant, watched.tokens.ingest]) {
    const cookie = await signIn(token);
    for (const path of ['/', queues, '/document?id=fine.md'])
      expect((await call('GET', path, { cookie })).status).toBe(403);
  }
});

test.each([
  ['a form of another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
  ['an older browser on another site', { origin: 'https://evil.example' }],
  ['a sandboxed frame', { origin: 'null' }],
])('%s is refused, whatever cookie it brings', async (_, from) => {
  const cookie = await signIn(watched.tokens.admin);
  for (const [method, path] of [
    ['PUT', retryAll],
    ['POST', '/logout'],
    ['POST', '/login'],
    ['DELETE', `/v1/lines/${watched.line.name}/documents/fine.md`],
  ] as const) {
    const { status, body } = await call(method, path, { ...from, cookie });
    expect([status, body]).toEqual([403, expect.stringContaining('another site')]);
  }
  expect((await call('GET', '/', { cookie })).status).toBe(200);
});

test('every page loads from here alone, runs no inline script and is in no frame', async () => {
  const cookie = await signIn(watched.tokens.reader);
  for (const path of ['/', '/board/', '/document?id=fine.md', '/login']) {
    const { status, headers, body } = await call('GET', path, { cookie });
    expect(status).toBe(200);
    const policy = String(headers['content-security-policy']);
    expect(policy).toMatch(/default-src 'none'.*script-src 'self';.*frame-ancestors 'none'/);
    expect(policy).not.toMatch(/https?:|\*/);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(body).not.toMatch(/(src|href)="(https?:)?\/\//);
  }
});

test('dead letters are shown with their reason, document and chunk, never with text', async () => {
  const cookie = await signIn(watched.tokens.reader);
  const { body } = await call('GET', queues, { cookie });
  const answer = JSON.parse(body);
  const dead = answer.queues.find(({ name }: { name: string }) => name === 'dead-letters');
  expect(answer.queues.map(({ name }: { name: string }) => name)).toEqual(['chunks', 'submissions', 'dead-letters']);
  expect(dead.counts.failed).toBe(1);
  expect(dead.jobs[0]).toMatchObject({
    name: 'guide/bad page.md · 1 of 1',
    failedReason: expect.stringMatching(/^engine_rejected: /),
    data: { documentId: 'guide/bad page.md', ordinal: 0, tokens: expect.any(Number), collection: expect.any(String) },
    externalUrl: { href: '/document?id=guide%2Fbad+page.md' },
  });
  expect(dead.jobs[0].data.run).toMatch(/^r\d+$/);
  const one = await call('GET', `/board/api/queues/dead-letters/${dead.jobs[0].id}`, { cookie });
  const page = await call('GET', dead.jobs[0].externalUrl.href, { cookie });
  expect([one.status, page.status]).toEqual([200, 200]);
  expect(page.body).toMatch(/guide\/bad page\.md[\s\S]*partial[\s\S]*engine_rejected/);
  for (const shown of [body, one.body, page.body]) expect(shown).not.toMatch(SECRETS);
});

test('what anybody may have put into a queue shows no more of itself', async () => {
  const cookie = await signIn(watched.tokens.reader);
  const { queues: opened, close } = openBoardQueues(watched.sluice.env.SLUICE_REDIS_URL!, watched.line.address);
  const submissions = opened.find(({ name }) => name === 'submissions')!;
  // Of a later version, so that it is left where it is; its fields are whatever its author likes.
  await submissions.add('document', { v: 99, id: 'foreign', text: SECRET_TEXT, note: { deep: SECRET_TEXT } });
  const path = '/board/api/queues?activeQueue=submissions&status=latest&page=1&jobsPerPage=10';
  const { body } = await call('GET', path, { cookie });
  expect(JSON.parse(body).queues[1].jobs[0].data).toMatchObject({ id: 'foreign', v: 99 });
  expect(body).not.toMatch(SECRETS);
  await submissions.obliterate({ force: true });
  await close();
});

test('a reader sees the live numbers; nothing of them is text', async () => {
  const cookie = await signIn(watched.tokens.reader);
  const events = await new Promise<string>((resolve, reject) => {
    const sent = request(`${watched.url}/live/events`, { headers: { cookie } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (text.includes('event: snapshot')) {
          resolve(text);
          sent.destroy();
        }
      });
    });
    sent.on('error', reject).end();
  });
  const snapshot = JSON.parse(/event: snapshot\ndata: (.*)/.exec(events)![1]!).snapshot;
  expect(snapshot).toMatchObject({ deadLetters: 1, documents: { stored: 1, partial: 1 }, backlogTokens: 0 });
  expect(snapshot.workers).toHaveLength(1);
  expect(events).not.toMatch(SECRETS);
});

test('a reader may not retry; an admin may retry and nothing else', async () => {
  const reader = await signIn(watched.tokens.reader);
  expect((await call('PUT', retryAll, { cookie: reader })).status).toBe(403);
  const admin = await signIn(watched.tokens.admin);
  for (const [method, path] of [
    ['POST', '/board/api/queues/chunks/add'],
    ['PUT', '/board/api/queues/chunks/empty'],
    ['PUT', '/board/api/queues/chunks/pause'],
    ['PUT', '/board/api/queues/pause'],
    ['PUT', '/board/api/queues/chunks/obliterate'],
    ['PUT', '/board/api/queues/chunks/clean/failed'],
    ['PUT', '/board/api/queues/dead-letters/clean/failed'],
    ['PATCH', '/board/api/queues/chunks/1/update-data'],
  ] as const) {
    expect((await call(method, path, { cookie: admin, 'content-type': 'application/json' }, '{}')).status).toBe(403);
  }
});

/** A state is awaited, not a time: on a busy machine it comes late. */
const PATIENCE_MS = 110_000;

describe.skipIf(browserPath === undefined && !browserRequired)('in a browser', { timeout: 300_000 }, () => {
  let browser: Browser;
  const foreign: string[] = [];
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());

  async function open(token: string, next: string): Promise<{ context: BrowserContext; page: Page }> {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('request', (sent) => {
      if (new URL(sent.url()).host !== new URL(watched.url).host && !sent.url().startsWith('data:'))
        foreign.push(sent.url());
    });
    await page.goto(watched.url + next);
    await page.getByLabel('API key').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(watched.url + next);
    return { context, page };
  }

  test('sign in, see a running ingest move', async () => {
    const { context, page } = await open(watched.tokens.reader, '/');
    await page.locator('#documents', { hasText: /^1$/ }).waitFor();
    const documents = Array.from(
      { length: 40 },
      (_, i) => `{"id":"moving ${i}","text":"${'a word and a word '.repeat(30)} ${i}"}`,
    );
    const ingesting = watched.sluice.ingest(['-'], `${documents.join('\n')}\n`);
    await page.locator('#documents', { hasText: /^41$/ }).waitFor();
    // The heartbeat that tells of the engine comes within seconds.
    await page.locator('#latency', { hasText: /s a request/ }).waitFor();
    expect((await ingesting).documents.stored).toBe(40);
    await page.locator('#tenants', { hasText: 'without tenant' }).waitFor();
    expect(await page.locator('canvas').count()).toBe(2);
    await context.close();
  });

  test('a reader opens a failed job without its text and is refused a retry; an admin is allowed', async () => {
    const reader = await open(watched.tokens.reader, '/board/queue/dead-letters?status=failed');
    await reader.page.getByText('guide/bad page.md · 1 of 1').waitFor();
    expect(await reader.page.content()).not.toMatch(SECRETS);
    // The button is not offered; asked from the page itself, the service refuses.
    expect(await reader.page.getByRole('button', { name: /retry/i }).count()).toBe(0);
    const status = await reader.page.evaluate(async (path) => (await fetch(path, { method: 'PUT' })).status, retryAll);
    expect(status).toBe(403);
    await reader.page.locator('a[href*="/board/queue/dead-letters/"]').first().click();
    await reader.page.waitForURL(/dead-letters\/d[0-9a-f]+/);
    await reader.page.getByText('engine_rejected').first().waitFor();
    for (const tab of ['Data', 'Options', 'Logs', 'Error']) {
      await reader.page.getByRole('tab', { name: tab }).click();
      expect(await reader.page.content()).not.toMatch(SECRETS);
    }
    const opened = reader.context.waitForEvent('page');
    await reader.page.getByText('Document', { exact: true }).first().click();
    const document = await opened;
    await document.getByRole('heading', { name: 'guide/bad page.md' }).waitFor();
    expect(await document.content()).not.toMatch(SECRETS);
    await reader.context.close();

    watched.mend();
    const admin = await open(watched.tokens.admin, '/board/queue/dead-letters?status=failed');
    await admin.page.getByText('guide/bad page.md · 1 of 1').waitFor();
    const retried = admin.page.waitForResponse((response) => response.url().endsWith(retryAll));
    await admin.page.getByRole('button', { name: 'Retry all' }).click();
    await admin.page.getByRole('button', { name: 'Confirm' }).click();
    expect((await retried).status()).toBe(200);
    await until(async () => (await watched.line.ledger.counts()).deadLetters === 0);
    expect((await watched.line.ledger.counts()).partial).toBe(0);
    await admin.context.close();
  });

  test('a form on another site is refused by the browser’s word alone', async () => {
    const { context, page } = await open(watched.tokens.admin, '/');
    await page.route('http://evil.example/**', (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<form method="post" action="${watched.url}/logout"><button>Win a prize</button></form>`,
      }),
    );
    await page.goto('http://evil.example/');
    const answered = page.waitForResponse((response) => response.url() === `${watched.url}/logout`);
    await page.getByRole('button', { name: 'Win a prize' }).click();
    expect((await answered).status()).toBe(403);
    await page.goto(`${watched.url}/`);
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    await context.close();
  });

  test('nothing was asked of any other host', () => {
    expect(foreign.filter((url) => !url.startsWith('http://evil.example'))).toEqual([]);
  });
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(50);
}
