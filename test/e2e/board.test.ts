/** The dashboard: for watching only. It shows which chunks wait, never what is in them, and nobody else's page can use it. */
import { request } from 'node:http';
import { loadConfig, silentLogger } from '@sluice/core';
import { startBoard } from '@sluice/producer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSluice } from './sluice.ts';

let board: Awaited<ReturnType<typeof startBoard>>;
beforeAll(async () => {
  const sluice = createSluice('test-board');
  const accepted = await sluice.run(
    ['ingest', '-', '--no-wait', '--json'],
    '{"id":"watched","text":"canary-document-text","metadata":{"note":"canary-metadata"}}\n',
  );
  expect(accepted.code).toBe(0);
  board = await startBoard({
    config: loadConfig([{ name: 'test', values: sluice.env }]).config,
    logger: silentLogger,
    port: 0,
  });
});
afterAll(() => board.close());

function call(
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string; headers: NodeJS.Dict<string | string[]> }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${board.url}${path}`, { method, headers }, async (response) => {
      let body = '';
      for await (const part of response.setEncoding('utf8')) body += part;
      resolve({ status: response.statusCode!, body, headers: response.headers });
    });
    sent.on('error', reject).end();
  });
}

test('a waiting chunk is shown by document and ordinal, without its text', async () => {
  const { status, body } = await call('GET', '/api/queues?activeQueue=chunks&status=waiting&page=1&jobsPerPage=10');
  expect(status).toBe(200);
  expect(body).toContain('watched');
  expect(body).toContain('characters, not shown');
  expect(body).not.toMatch(/canary-document-text|canary-metadata/);
});

test.each([
  ['POST', '/api/queues/chunks/add'],
  ['PUT', '/api/queues/chunks/empty'],
  ['PUT', '/api/queues/chunks/retry/failed'],
  ['DELETE', '/api/queues/chunks/1'],
])('%s %s is refused', async (method, path) => {
  expect((await call(method, path)).status).toBe(405);
});

test('another host name is refused, framing and foreign hosts are forbidden', async () => {
  expect((await call('GET', '', { host: 'evil.example' })).status).toBe(403);
  expect((await call('GET', '')).headers['content-security-policy']).toMatch(/frame-ancestors 'none'/);
  expect((await call('GET', '')).headers['content-security-policy']).not.toMatch(/https?:/);
});

test('a port that is taken is said plainly', async () => {
  const port = Number(new URL(board.url).port);
  const { config } = loadConfig([{ name: 'test', values: createSluice('test-board').env }]);
  await expect(startBoard({ config, logger: silentLogger, port })).rejects.toMatchObject({ code: 'port_taken' });
});
