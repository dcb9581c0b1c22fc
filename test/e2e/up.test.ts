/** `sluice up` on servers that are there: what it says while its worker cannot work, and that nothing outlives it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startJinaTinyServer } from '../support/jina-tiny-server.ts';
import { createSluice, ended } from './sluice.ts';
import { tinySettings } from './tiny-settings.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'sluice-up-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

test('an engine that is down is named while the worker waits for it, with what to do', async () => {
  const sluice = createSluice('test-up-down', {
    ...tinySettings('http://127.0.0.1:1'),
    SLUICE_HOME: home,
    SLUICE_BOARD_PORT: '0',
  });
  const up = sluice.start(['up']);
  const closed = ended(up);
  let said = '';
  for await (const text of up.stderr!.setEncoding('utf8') as AsyncIterable<string>) {
    said += text;
    if (said.includes('the worker says: ') && said.endsWith('\n')) break;
  }
  expect(said).toMatch(/the worker says: engine_unreachable: .+\. .+/);
  up.kill('SIGINT');
  await closed;
});

test('an engine that is refused is the reason that is given, with its fix', async () => {
  const engine = await startJinaTinyServer({ adapter: 'ignored' });
  try {
    const sluice = createSluice('test-up-refused', {
      ...tinySettings(engine.url),
      SLUICE_HOME: home,
      SLUICE_BOARD_PORT: '0',
    });
    const { code, stderr, lines } = await sluice.run(['up', '--json']);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/ends again and again.*got +task_ignored/s)]);
    expect(lines.at(-1)).toMatchObject({
      type: 'error',
      code: 'setup_failed',
      exitCode: 1,
      got: expect.stringContaining('task_ignored'),
    });
  } finally {
    await engine.close();
  }
});
