/** Pruning deletes what a whole read no longer found, and nothing where the read was not whole. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LineReader, readLine } from './line-reader.ts';
import { createSluice } from './sluice.ts';

const sluice = createSluice('test-prune');
let folder: string;
let docs: string;
let line: LineReader;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-prune-'));
  docs = join(folder, 'docs');
  await mkdir(join(docs, 'sub'), { recursive: true });
  for (let i = 0; i < 10; i += 1)
    await writeFile(join(docs, `page-${i}.md`), `# Page ${i}\n\nThe text of page ${i}.\n`);
  for (let i = 0; i < 10; i += 1) await writeFile(join(docs, 'sub', `part-${i}.txt`), `The text of part ${i}.\n`);
});
afterAll(async () => {
  await line?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Ids on record that are not deleted. */
async function kept(): Promise<number> {
  let count = 0;
  for await (const page of line.ledger.scan()) count += page.filter(({ state }) => state !== 'deleted').length;
  return count;
}
const types = (lines: Record<string, unknown>[]) => lines.map(({ type }) => type);

describe('in this order', () => {
  test('a pattern is a whole read only where --source says so', async () => {
    expect((await sluice.ingest([docs])).documents.stored).toBe(20);
    line = await readLine(sluice.line);
    const refused = await sluice.run(['ingest', join(docs, '*.md'), '--prune', '--wait', '--json']);
    expect([refused.code, refused.lines.at(-1)]).toEqual([
      2,
      expect.objectContaining({ type: 'error', code: 'prune_refused', exitCode: 2 }),
    ]);
    await rm(join(docs, 'page-9.md'));
    const said = await sluice.ingest([join(docs, '**/*.{md,txt}'), '--source', 'docs', '--prune']);
    expect(said).toMatchObject({ exitCode: 0, documents: { unchanged: 19, deleted: 1 } });
    expect(await kept()).toBe(19);
  });

  test('a dry run lists what would go, and says when it would be refused', async () => {
    await rm(join(docs, 'page-8.md'));
    const listed = await sluice.run(['ingest', docs, '--dry-run', '--prune', '--json']);
    expect(listed.lines.filter(({ type }) => type === 'pruned')).toEqual([{ type: 'pruned', id: 'docs/page-8.md' }]);
    expect(types(listed.lines)).not.toContain('warning');
    const strict = await sluice.run(['ingest', docs, '--dry-run', '--prune', '--prune-max', '0', '--json']);
    expect(types(strict.lines)).toEqual(['warning', 'pruned', 'summary']);
    expect(await kept()).toBe(19);
  });

  test('a folder that cannot be read keeps its documents; what was handed in is waited for, and the command ends with 2', async () => {
    await mkdir(join(docs, 'sub', '.ingestignore'));
    await writeFile(join(docs, 'page-0.md'), '# Page 0\n\nAnother text.\n');
    for (const path of [docs, join(docs, '**/*.{md,txt}')]) {
      const { code, lines, stderr } = await sluice.run([
        'ingest',
        path,
        '--source',
        'docs',
        '--prune',
        '--wait',
        '--json',
      ]);
      expect([code, stderr]).toEqual([2, expect.stringContaining('prune_refused')]);
      expect(types(lines).slice(-2).includes('summary')).toBe(true);
      expect(lines.at(-1)).toMatchObject({ type: 'summary', exitCode: 2, documents: { deleted: 0, rejected: 1 } });
      expect(lines).toContainEqual(expect.objectContaining({ type: 'error', code: 'prune_refused' }));
    }
    expect(await kept()).toBe(19);
    expect((await line.rows('docs/page-0.md'))[0]!.text).toContain('Another text.');
    await rm(join(docs, 'sub', '.ingestignore'), { recursive: true });
  });

  test('--max-errors comes before pruning', async () => {
    await writeFile(join(docs, 'broken.md'), Buffer.from([0x61, 0xff]));
    const { code, lines } = await sluice.run(['ingest', docs, '--prune', '--max-errors', '0', '--wait', '--json']);
    expect([code, lines.at(-1)]).toEqual([5, expect.objectContaining({ type: 'summary', exitCode: 5 })]);
  });

  test('an empty root deletes nothing', async () => {
    await rm(docs, { recursive: true });
    await mkdir(docs);
    const { code, stderr } = await sluice.run(['ingest', docs, '--prune', '--prune-max', '100', '--wait', '--json']);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/prune_refused.*found none/s)]);
    expect(await kept()).toBe(19);
  });
});
