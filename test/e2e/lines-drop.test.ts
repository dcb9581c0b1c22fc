/** A line that was dropped is as if it had never been: nothing of it stands in the way of the next one of its name. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@sluice/core';
import { connectRedis, openSubmissionQueue } from '@sluice/queue';
import { expect, onTestFinished, test } from 'vitest';
import { sharedStack } from '../support/stack.ts';
import { createSluice } from './sluice.ts';

test('after a drop another folder may be read under the name of an old source, and nothing of the line is in Redis', async () => {
  const home = mkdtempSync(join(tmpdir(), 'sluice-drop-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const folder = (parent: string) => {
    const path = join(home, parent, 'docs');
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'a.txt'), `A document of ${parent}.`);
    return path;
  };
  const sluice = createSluice('test-lines-drop');
  expect((await sluice.ingest([folder('one')])).documents.stored).toBe(1);
  const refused = await sluice.run(['ingest', folder('two'), '--wait', '--json']);
  expect(refused.stderr).toMatch(/source_root_changed/);

  const redis = connectRedis(sharedStack().redisUrl, { role: 'producer', logger: silentLogger });
  onTestFinished(() => redis.disconnect());
  const submissions = openSubmissionQueue(redis, sluice.line);
  await submissions.submit([{ id: 'waits', text: 'Nobody cuts this.' }]);
  await submissions.close();
  expect(await sluice.run(['lines', 'drop', sluice.line, '--yes'])).toMatchObject({ code: 0 });
  expect(await redis.keys(`*sluice:${sluice.line}[:}]*`)).toEqual([]);
  expect((await sluice.ingest([folder('two')])).documents).toMatchObject({ accepted: 1, stored: 1 });
}, 120_000);
