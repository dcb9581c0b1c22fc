/** Tenants at a service that nobody chunks for: who waits does not keep others waiting, and what waits is held back by the mark. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { documentKey } from '@sluice/core';
import { expect, onTestFinished, test } from 'vitest';
import { readLine } from './line-reader.ts';
import { type Serving, serve } from './serving.ts';
import { createSluice, type Sluice } from './sluice.ts';

/** A service of its own. On loopback and without keys every caller may name a tenant. */
async function serveAlone(line: string, backlogTokens: number): Promise<{ sluice: Sluice; service: Serving }> {
  const sluice = createSluice(line, { SLUICE_BACKLOG_TOKENS: String(backlogTokens) });
  const service = await serve(sluice, ['--no-chunk']);
  onTestFinished(() => service.stop());
  return { sluice, service };
}

test('one tenant hands in thousands of documents, another a few: theirs are not cut last', async () => {
  const { sluice, service } = await serveAlone('test-submission-turns', 50_000_000);
  const hand = async (tenant: string, count: number) => {
    for (let from = 0; from < count; from += 500) {
      const documents = Array.from({ length: Math.min(500, count - from) }, (_, i) => ({
        id: `${from + i}`,
        tenant,
        text: `Document ${from + i} of ${tenant}.`,
      }));
      expect((await service.call('POST', '/documents', { documents })).status).toBe(202);
    }
  };
  await hand('many', 2_000);
  await hand('few', 20);

  const chunker = sluice.start(['chunk-worker']);
  chunker.stdout!.resume();
  chunker.stderr!.resume();
  onTestFinished(async () => {
    const ended = once(chunker, 'exit');
    chunker.kill('SIGTERM');
    await ended;
  });
  const line = await readLine(sluice.line);
  onTestFinished(() => line.close());
  const few = Array.from({ length: 20 }, (_, i) => documentKey({ line: sluice.line, tenant: 'few', id: `${i}` }));
  while ((await line.ledger.read(few)).some((state) => state?.currentRevision === undefined)) await delay(20);
  expect((await service.call('GET', '/stats')).body.documents.waiting).toBeGreaterThan(500);
}, 120_000);

test('what nobody cuts is held back by the mark, whoever hands it in', async () => {
  const mark = 20_000;
  const { service } = await serveAlone('test-submission-mark', mark);
  const text = 'word '.repeat(800);
  let sent = 0;
  const untilRefused = async (tenant: string) => {
    for (let accepted = 0; ; accepted += 1) {
      sent += 1;
      const { status, body } = await service.call('POST', '/documents', { id: `${sent}`, tenant, text });
      if (status !== 202) {
        expect([status, body.code]).toEqual([503, 'backlog_full']);
        return accepted;
      }
    }
  };
  const tokens = text.length / 4;
  // One more than fits: what is looked at is what was there before it came.
  expect(await untilRefused('lone')).toBeLessThanOrEqual(mark / tokens + 1);
  // A second one has half of the mark, a third a third of it; beyond twice the mark nobody has anything.
  expect(await untilRefused('second')).toBeGreaterThan(0);
  for (const tenant of ['third', 'fourth', 'fifth', 'sixth']) await untilRefused(tenant);
  const { documents } = (await service.call('GET', '/stats')).body;
  expect(documents.waiting * tokens).toBeLessThanOrEqual(2 * mark + tokens);
}, 120_000);
