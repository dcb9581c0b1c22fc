/** One run over a folder of everything that can be wrong: each item has its own code and costs only itself. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { makeDocx, makePdf } from '@sluice/producer/testing/office-files';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readLine } from './line-reader.ts';
import { createSluice } from './sluice.ts';

let folder: string;
beforeAll(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'sluice-bad-')), 'mixed');
  await mkdir(join(folder, 'sub'), { recursive: true });
});
afterAll(() => rm(join(folder, '..'), { recursive: true, force: true }));

test('bad input gets its own code and costs only itself', async () => {
  const files: Record<string, string | Uint8Array> = {
    'good.md': '# Good\n\nThis one is fine.\n',
    'sub/also-good.txt.gz': gzipSync('Compressed, and fine.'),
    'invalid.md': Buffer.concat([Buffer.from('# Not '), Buffer.from([0xc3, 0x28])]),
    'binary.txt': Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 1]),
    'empty.md': '\n \n',
    'one-line.txt': 'x '.repeat(25_000_000),
    'table.csv': 'a,b\n1,2\n',
    'data.parquet': 'PAR1',
    'all.zip': 'PK\u0003\u0004',
    'text.md.zst': Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
    'only-script.html': '<html><head><title></title></head><body><script>1</script></body></html>',
    'paper.pdf': makePdf({ pages: [['A paper about water.']] }),
    'locked.pdf': makePdf({ pages: [['Locked.']], encrypted: true }),
    'scan.pdf': makePdf({ pages: [[]] }),
    'torn.pdf': makePdf({ pages: [['Torn.']] }).subarray(0, 60),
    'letter.docx': makeDocx([{ text: 'A letter', style: 'Heading1' }, { text: 'about the mill.' }]),
    'bomb.docx': makeDocx([{ text: 'x'.repeat(20_000_000) }]),
    'tool.py': 'def gate():\n    return 1\n',
    'records.ndjson': [
      JSON.stringify({ id: 'r1', text: 'A record that is fine.' }),
      '{"id": "r2", "text": ',
      JSON.stringify({ id: 'r1', text: 'Another text under the same id.' }),
      JSON.stringify({ id: 'x'.repeat(513), text: 'An id that is too long.' }),
      JSON.stringify({ id: 'r5', text: 'The last record, also fine.' }),
    ].join('\n'),
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  await symlink('..', join(folder, 'sub', 'loop'));

  const sluice = createSluice('test-bad-input');
  const summary = await sluice.ingest([folder]);
  const items = (type: string) =>
    Object.fromEntries(
      summary.lines
        .filter((event) => event.type === type)
        .map((event) => [(event.where as string).replace(`${folder}/`, ''), event.code]),
    );
  expect(items('rejected')).toEqual({
    'binary.txt': 'unsupported_type',
    'bomb.docx': 'inflated_too_large',
    'invalid.md': 'invalid_utf8',
    'locked.pdf': 'encrypted_document',
    'one-line.txt': 'document_too_large',
    'records.ndjson:2': 'broken_ndjson',
    'records.ndjson:3': 'duplicate_id',
    'records.ndjson:4': 'invalid_id',
    'scan.pdf': 'no_text_layer',
    'torn.pdf': 'broken_document',
  });
  expect(items('skipped')).toEqual({
    'all.zip': 'unsupported_type',
    'data.parquet': 'unsupported_type',
    'empty.md': 'empty_document',
    'only-script.html': 'empty_document',
    'sub/loop': 'symlink_skipped',
    'table.csv': 'unsupported_type',
    'text.md.zst': 'unsupported_type',
  });
  for (const event of summary.lines) if (event.type === 'rejected') expect(event.fix).toMatch(/\.$/);
  expect(summary).toMatchObject({ exitCode: 3, documents: { accepted: 7, stored: 7, rejected: 10, skipped: 7 } });

  const line = await readLine('test-bad-input');
  try {
    for (const id of ['mixed/good.md', 'mixed/sub/also-good.txt.gz', 'mixed/tool.py', 'r1', 'r5'])
      expect((await line.rows(id)).length, id).toBe(1);
    expect((await line.rows('r1'))[0]!.text).toBe('A record that is fine.');
    expect((await line.rows('mixed/paper.pdf'))[0]!.text).toBe('A paper about water.');
    expect((await line.rows('mixed/letter.docx'))[0]!.text).toBe('A letter\n\nabout the mill.');
  } finally {
    await line.close();
  }

  const listed = await sluice.run(['runs', 'show', summary.run, '--rejected', '--json']);
  expect(listed.lines.filter((found) => found.type === 'rejected').length).toBe(10);
  expect(listed.lines.filter((found) => found.type === 'skipped').length).toBe(7);
});

test('--max-errors stops the run with 5; what was accepted before stays', async () => {
  const sluice = createSluice('test-max-errors');
  const lines = [
    '{"id":"a","text":"fine"}',
    ...Array.from({ length: 5 }, () => 'broken'),
    '{"id":"b","text":"never read"}',
  ].join('\n');
  const summary = await sluice.ingest(['-', '--max-errors', '3'], lines);
  expect(summary).toMatchObject({ exitCode: 5, documents: { accepted: 1, stored: 1, rejected: 4 } });
});

test('--dry-run reads and counts, and touches nothing', async () => {
  const sluice = createSluice('test-dry-run', {
    SLUICE_REDIS_URL: 'redis://127.0.0.1:1',
    SLUICE_MILVUS_ADDRESS: '127.0.0.1:1',
  });
  const { code, lines } = await sluice.run(['ingest', '-', '--dry-run', '--json'], '{"id":"a","text":"Hello world"}\n');
  expect([code, lines.at(-1)]).toEqual([
    0,
    expect.objectContaining({ dryRun: true, chunks: { count: 1, meanTokens: 4, longestTokens: 4 } }),
  ]);
});
