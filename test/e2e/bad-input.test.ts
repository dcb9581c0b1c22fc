/** One run over a folder of everything that can be wrong: each item has its own code and costs only itself. */
import { execFileSync } from 'node:child_process';
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
    'mark.md': '\ufeff# A byte order mark\r\n\r\nand other line ends.',
    'wide.txt': Buffer.from('\ufeffwide', 'utf16le'),
    'latin1.txt': Buffer.from('Stra\xdfe', 'latin1'),
    'torn.txt.gz': gzipSync('Torn in the middle of it.').subarray(0, 20),
    'bomb.txt.gz': gzipSync(Buffer.alloc(20_000_000, 'a')),
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
    'more.ndjson': [
      JSON.stringify({ id: 'm1', text: `Before ${'y'.repeat(100)}` }),
      '{"id":"m2","text":"half of a pair: \\ud800"}',
      `{"id":"m3","text":"deep","metadata":{"a":${'['.repeat(40)}${']'.repeat(40)}}}`,
      '{"id":"m4","text":"too exact","metadata":{"n":9007199254740993}}',
      '{"id":"m5","text":"reserved","metadata":{"__proto__":{"x":1}}}',
      JSON.stringify({ id: 'm6', text: 'no such tenant', tenant: 'a\u202eb' }),
      JSON.stringify({ id: '', text: 'without a name' }),
      JSON.stringify({ id: 'm\u0007', text: 'a bell in its name' }),
      JSON.stringify({ id: 'm9', text: 'metadata without end', metadata: { note: 'z'.repeat(20_000) } }),
      JSON.stringify({ id: 'm10', text: 'z'.repeat(50_000_000) }),
      '  ',
      `${JSON.stringify({ id: 'm12', text: 'After the long one, with a zero \u0000 and \u202ea turn.' })}\r`,
      JSON.stringify({ id: 'm1', text: `Before ${'y'.repeat(100)}` }),
      '{"id":"m14","text":"cut o',
    ].join('\n'),
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  await symlink('..', join(folder, 'sub', 'loop'));
  execFileSync('mkfifo', [join(folder, 'pipe.md'), join(folder, '../named-pipe.md')]);
  // Reading the memory at 0 fails for everybody, root too.
  await symlink('/proc/self/mem', join(folder, '../memory.md'));
  await mkdir(join(folder, 'closed', '.ingestignore'), { recursive: true });
  await writeFile(join(folder, 'closed', 'unknown.md'), 'Whether this may be read, nobody can tell.');

  const sluice = createSluice('test-bad-input');
  const named = ['memory.md', 'named-pipe.md', 'nowhere.md'].map((name) => join(folder, '..', name));
  const summary = await sluice.ingest([folder, ...named]);
  const items = (type: string) =>
    Object.fromEntries(
      summary.lines
        .filter((event) => event.type === type)
        .map((event) => [
          (event.where as string).replace(`${folder}/`, '').replace(join(folder, '..'), '..'),
          event.code,
        ]),
    );
  expect(items('rejected')).toEqual({
    'binary.txt': 'unsupported_type',
    '../memory.md': 'unreadable_file',
    '../named-pipe.md': 'special_file',
    '../nowhere.md': 'missing_path',
    'bomb.docx': 'inflated_too_large',
    'bomb.txt.gz': 'inflated_too_large',
    'closed/.ingestignore': 'unreadable_file',
    'latin1.txt': 'invalid_utf8',
    'more.ndjson:2': 'malformed_unicode',
    'more.ndjson:3': 'too_deep',
    'more.ndjson:4': 'invalid_metadata',
    'more.ndjson:5': 'invalid_metadata',
    'more.ndjson:6': 'invalid_tenant',
    'more.ndjson:7': 'invalid_id',
    'more.ndjson:8': 'invalid_id',
    'more.ndjson:9': 'invalid_metadata',
    'more.ndjson:10': 'line_too_long',
    'more.ndjson:14': 'broken_ndjson',
    'torn.txt.gz': 'broken_gzip',
    'wide.txt': 'unsupported_encoding',
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
    'pipe.md': 'special_file',
    'sub/loop': 'symlink_skipped',
    'table.csv': 'unsupported_type',
    'text.md.zst': 'unsupported_type',
  });
  for (const event of summary.lines) if (event.type === 'rejected') expect(event.fix).toMatch(/\.$/);
  expect(summary).toMatchObject({
    exitCode: 3,
    documents: { accepted: 10, stored: 10, unchanged: 1, rejected: 28, skipped: 8 },
  });

  const line = await readLine('test-bad-input');
  try {
    for (const id of [
      'mixed/good.md',
      'mixed/sub/also-good.txt.gz',
      'mixed/tool.py',
      'r1',
      'r5',
      'm1',
      'm12',
      'mixed/mark.md',
    ])
      expect((await line.rows(id)).length, id).toBe(1);
    expect((await line.rows('r1'))[0]!.text).toBe('A record that is fine.');
    expect((await line.rows('m12'))[0]!.text).toBe('After the long one, with a zero \u0000 and \u202ea turn.');
    expect((await line.rows('mixed/mark.md'))[0]!.text).toMatch(/^# A byte order mark/);
    expect(await line.countRows()).toBe(10);
    expect((await line.rows('mixed/paper.pdf'))[0]!.text).toBe('A paper about water.');
    expect((await line.rows('mixed/letter.docx'))[0]!.text).toBe('A letter\n\nabout the mill.');
  } finally {
    await line.close();
  }

  const listed = await sluice.run(['runs', 'show', summary.run, '--rejected', '--json']);
  expect(listed.lines.filter((found) => found.type === 'rejected').length).toBe(28);
  expect(listed.lines.filter((found) => found.type === 'skipped').length).toBe(8);
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
