/**
 * Every command in the documents runs: the ```sh blocks of README.md and docs/, in order, in a folder with some documents, with
 * `npx sluice` being the command of this checkout. Blocks that start something that stays are ```console and are not run.
 */
import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSluice } from '../e2e/sluice.ts';

const project = resolve(import.meta.dirname, '../..');
const pages = [
  'README.md',
  ...(await readdir(join(project, 'docs'))).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
];
const withCommands: [page: string, blocks: string[]][] = [];
for (const page of pages) {
  const text = await readFile(join(project, page), 'utf8');
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map((match) => match[1]!);
  if (blocks.length > 0) withCommands.push([page, blocks]);
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-docs-'));
  await mkdir(join(folder, 'bin'));
  await writeFile(
    join(folder, 'bin', 'npx'),
    `#!/bin/sh\nshift\nexec "${process.execPath}" "${join(project, 'apps/cli/src/main.ts')}" "$@"\n`,
  );
  await chmod(join(folder, 'bin', 'npx'), 0o755);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each(withCommands)('the commands of %s run', async (page, blocks) => {
  const work = join(folder, page.replaceAll('/', '-'));
  await mkdir(work);
  await cp(join(project, 'docs'), join(work, 'docs'), { recursive: true });
  await writeFile(join(work, 'docs', 'guide.md'), '# Guide\n\nHow to restore a backup: take the newest one.\n');
  await writeFile(join(work, 'notes.ndjson'), '{"id": "note-1", "text": "A note."}\n');
  const { env, ingest } = createSluice(`test-docs-${page.replace(/[^a-z]/g, '')}`.slice(0, 40));
  // A page may ask about what was ingested before one came to it.
  await ingest(['-'], '{"id": "first", "text": "The first document."}');
  for (const block of blocks) {
    const run = promisify(execFile)('sh', ['-e', '-c', block], {
      cwd: work,
      env: { ...process.env, ...env, PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}` },
    });
    await expect(run, `${page}:\n${block}`).resolves.toBeDefined();
  }
});

test('there are commands to run', () => {
  expect(withCommands.map(([page]) => page)).toEqual(
    expect.arrayContaining(['README.md', 'docs/ingest.md', 'docs/operating.md']),
  );
});
