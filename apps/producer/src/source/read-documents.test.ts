import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeDocx, makePdf, makeZip } from '../../testing/office-files.ts';
import type { SourceItem } from './item.ts';
import { type ReadOptions, readDocuments } from './read-documents.ts';
import { resolveInputs } from './roots.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-read-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function put(files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

async function read(paths: string[], options: Partial<ReadOptions> & { source?: string } = {}): Promise<SourceItem[]> {
  const items: SourceItem[] = [];
  const all = { stdin: Readable.from([]), maxDocumentBytes: 1_000_000, maxLineBytes: 100_000, ...options };
  for await (const item of readDocuments(await resolveInputs(paths, options.source), all)) items.push(item);
  return items;
}

const ids = (items: SourceItem[]) => items.flatMap((item) => (item.type === 'document' ? [item.document.id] : []));
const faults = (items: SourceItem[]) =>
  items.flatMap((item) =>
    item.type === 'document' ? [] : [`${item.type} ${item.fault.code} ${item.fault.where.replace(`${folder}/`, '')}`],
  );

describe('ids and sources', () => {
  test('a folder, a pattern and a file give one file the same id when their roots agree', async () => {
    await put({ 'docs/a.md': '# A', 'docs/sub/b.txt': 'b' });
    expect(ids(await read([join(folder, 'docs')]))).toEqual(['docs/a.md', 'docs/sub/b.txt']);
    expect(ids(await read([join(folder, 'docs/**/*.txt')]))).toEqual(['docs/sub/b.txt']);
    expect(ids(await read([join(folder, 'docs/a.md')]))).toEqual(['docs/a.md']);
    expect(ids(await read([join(folder, 'docs')], { source: 'wiki' }))).toEqual(['wiki/a.md', 'wiki/sub/b.txt']);
  });

  test('.ingestignore follows gitignore, also in sub-folders; hidden files are left out', async () => {
    await put({
      '.ingestignore': '*.log\n/drafts/\n',
      'a.log': 'x',
      'drafts/d.md': 'x',
      'sub/drafts/e.md': 'x',
      'sub/.ingestignore': 'f.md\n',
      'sub/f.md': 'x',
      '.hidden.md': 'x',
      'g.md': 'x',
    });
    expect(ids(await read([folder], { source: 's' }))).toEqual(['s/g.md', 's/sub/drafts/e.md']);
  });
});

describe('patterns', () => {
  test('heed .ingestignore, and report links as a folder’s read does', async () => {
    await put({ 'docs/.ingestignore': 'draft.md\n', 'docs/draft.md': 'x', 'docs/a.md': '# A', 'docs/a.txt': 'a' });
    await symlink('a.md', join(folder, 'docs/link.md'));
    await symlink('a.txt', join(folder, 'docs/link.txt'));
    const items = await read([join(folder, 'docs/*.md')]);
    expect(ids(items)).toEqual(['docs/a.md']);
    expect(faults(items)).toEqual(['skipped symlink_skipped docs/link.md']);
  });

  test('a folder on the way that cannot be read is a fault: what lies in it is not gone', async () => {
    await put({ 'docs/a.md': '# A', 'docs/sub/b.md': '# B', 'docs/other/c.md': '# C' });
    // A rules file that is a folder fails for root too, whom permissions do not stop.
    await mkdir(join(folder, 'docs/sub/.ingestignore'));
    await mkdir(join(folder, 'docs/other/.ingestignore'));
    const items = await read([join(folder, 'docs/**/*.md')]);
    expect(ids(items)).toEqual(['docs/a.md']);
    expect(faults(items)).toEqual([
      'rejected unreadable_file docs/other/.ingestignore',
      'rejected unreadable_file docs/sub/.ingestignore',
    ]);
    // What is not on the way may be as it is.
    expect(faults(await read([join(folder, 'docs/s*/*.md')]))).toEqual([
      'rejected unreadable_file docs/sub/.ingestignore',
    ]);
  });
});

describe('bad input costs only itself', () => {
  test('rules that cannot be read cost their folder, not the run', async () => {
    await put({ 'a.md': '# A', 'sub/b.md': '# B', 'z.md': '# Z' });
    await mkdir(join(folder, 'sub/.ingestignore'));
    const items = await read([folder], { source: 's' });
    expect(ids(items)).toEqual(['s/a.md', 's/z.md']);
    expect(faults(items)).toEqual(['rejected unreadable_file sub/.ingestignore']);
  });

  test('each kind has its own code, and the others are read', async () => {
    await put({
      'bad-utf8.md': Buffer.concat([Buffer.from('abcde '), Buffer.from([0xff]), Buffer.from(' fg')]),
      'utf16.txt': Buffer.from('\ufeffhello', 'utf16le'),
      'picture.md': Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2]),
      'nul.txt': 'a\0b',
      'empty.md': '  \n',
      'table.csv': 'a,b',
      'columns.parquet': 'PAR1',
      'archive.zip': 'PK',
      'fast.txt.zst': 'x',
      'broken.txt.gz': gzipSync('hello').subarray(0, 12),
      'large.txt': 'x'.repeat(1_000_001),
      'bomb.txt.gz': gzipSync(Buffer.alloc(2_000_000, 'a')),
      'good.md': '# Good',
      'tool.py': 'def f():\n    pass\n',
      'letter.docx': makeDocx([{ text: 'Dear miller' }]),
      'torn.docx': makeDocx([{ text: 'Dear miller' }]).subarray(0, 300),
      'paper.pdf': makePdf({ pages: [['Water and wheels']] }),
      'locked.pdf': makePdf({ pages: [['Water and wheels']], encrypted: true }),
      'scan.pdf': makePdf({ pages: [[]] }),
      'latin1.txt': Buffer.from('Stra\xdfe', 'latin1'),
      'utf32.txt': Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]),
      'archive.md': makeZip({ 'a.md': '# A' }),
      'packed.txt': Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0]),
    });
    if (process.platform !== 'win32') execFileSync('mkfifo', [join(folder, 'pipe.md')]);
    await symlink('.', join(folder, 'loop'));
    const items = await read([folder], { source: 's' });
    expect(ids(items)).toEqual(['s/good.md', 's/letter.docx', 's/paper.pdf', 's/tool.py']);
    const texts = items.flatMap((item) =>
      item.type === 'document' ? [[item.document.format, item.document.text]] : [],
    );
    expect(texts).toEqual([
      ['markdown', '# Good'],
      ['html', '<p>Dear miller</p>'],
      ['text', 'Water and wheels'],
      ['python', 'def f():\n    pass\n'],
    ]);
    expect(faults(items)).toEqual([
      'rejected unsupported_type archive.md',
      'skipped unsupported_type archive.zip',
      'rejected invalid_utf8 bad-utf8.md',
      'rejected inflated_too_large bomb.txt.gz',
      'rejected broken_gzip broken.txt.gz',
      'skipped unsupported_type columns.parquet',
      'skipped empty_document empty.md',
      'skipped unsupported_type fast.txt.zst',
      'rejected document_too_large large.txt',
      'rejected invalid_utf8 latin1.txt',
      'rejected encrypted_document locked.pdf',
      'skipped symlink_skipped loop',
      'rejected unsupported_type nul.txt',
      'rejected unsupported_type packed.txt',
      'rejected unsupported_type picture.md',
      ...(process.platform === 'win32' ? [] : ['skipped special_file pipe.md']),
      'rejected no_text_layer scan.pdf',
      'skipped unsupported_type table.csv',
      'rejected broken_document torn.docx',
      'rejected unsupported_encoding utf16.txt',
      'rejected unsupported_encoding utf32.txt',
    ]);
    const utf8 = items.find((item) => item.type === 'rejected' && item.fault.code === 'invalid_utf8');
    expect(utf8?.type === 'rejected' && utf8.fault.message).toMatch(/offset 6$/);
  });

  test('what is skipped while walking is rejected when named', async () => {
    await put({ 'table.csv': 'a,b', 'empty.md': '' });
    expect(
      faults(await read([join(folder, 'table.csv'), join(folder, 'empty.md'), join(folder, 'nowhere.md')])),
    ).toEqual([
      'rejected unsupported_type table.csv',
      'rejected empty_document empty.md',
      'rejected missing_path nowhere.md',
    ]);
  });

  test('what is not there when it is opened is reported, and the next one is read', async () => {
    await put({ 'a.md': 'x' });
    await symlink('gone.md', join(folder, 'link.md'));
    const items = await read([join(folder, 'link.md'), join(folder, 'a.md')], { source: 's' });
    expect(ids(items)).toEqual(['s/a.md']);
    expect(faults(items)).toEqual(['rejected missing_path link.md']);
  });

  test('a file that grows while it is read is rejected, and the next one is read', async () => {
    await put({ 'growing.md': 'x'.repeat(900_000), 'still.md': 'x' });
    const reading = { done: false };
    const grow = () => {
      appendFileSync(join(folder, 'growing.md'), 'x');
      if (!reading.done) setImmediate(grow);
    };
    grow();
    const items = await read([join(folder, 'growing.md'), join(folder, 'still.md')], { source: 's' });
    reading.done = true;
    expect(ids(items)).toEqual(['s/still.md']);
    expect(faults(items)).toEqual(['rejected changed_while_reading growing.md']);
  });

  test.skipIf(process.platform === 'win32')('a named pipe without a writer is refused, not waited for', async () => {
    execFileSync('mkfifo', [join(folder, 'named.md')]);
    expect(faults(await read([join(folder, 'named.md')]))).toEqual(['rejected special_file named.md']);
  });

  test('a file that is read in one go and one that is not are the same document but for their length', async () => {
    await put({ 'small.md': 'đ'.repeat(30_000), 'large.md': 'đ'.repeat(40_000), 'none.md': ' ' });
    const texts = (await read([folder])).flatMap((item) => (item.type === 'document' ? [item.document.text] : []));
    expect(texts).toEqual(['đ'.repeat(40_000), 'đ'.repeat(30_000)]);
  });

  test.skipIf(process.platform !== 'linux')('a file whose read fails is reported, whoever asks', async () => {
    await put({ 'open.md': 'x' });
    // Opens, says that it is a file, and fails with an input/output error when read.
    await symlink('/proc/self/mem', join(folder, 'failing.md'));
    const items = await read([join(folder, 'failing.md'), join(folder, 'open.md')], { source: 's' });
    expect(ids(items)).toEqual(['s/open.md']);
    expect(faults(items)).toEqual(['rejected unreadable_file failing.md']);
  });

  test.skipIf(process.getuid?.() === 0)('an unreadable file or folder is reported', async () => {
    await put({ 'closed.md': 'x', 'shut/a.md': 'x', 'open.md': 'x' });
    await chmod(join(folder, 'closed.md'), 0);
    await chmod(join(folder, 'shut'), 0);
    const items = await read([folder], { source: 's' });
    await chmod(join(folder, 'shut'), 0o700);
    expect(ids(items)).toEqual(['s/open.md']);
    expect(faults(items)).toEqual(['rejected unreadable_file closed.md', 'rejected unreadable_file shut']);
  });
});

describe('NDJSON', () => {
  const line = (value: unknown) => `${JSON.stringify(value)}\n`;

  test('records become documents; each bad line is named by its number and the next is read', async () => {
    const lines = [
      line({ id: 'a', text: 'A', metadata: { n: 1 }, tenant: 't' }),
      '{"id": "b", "text": \n',
      '\r\n',
      line({ id: 'c', text: 'C', surprise: 1 }),
      `{"id":"d","text":"${'x'.repeat(200_000)}"}\n`,
      line({ id: 'é'.repeat(257), text: 'E' }),
      line({ id: 'ctrl\u0007', text: 'E' }),
      '{"id":"f","text":"\\ud800"}\n',
      line({ id: 'g', text: '   ' }),
      `{"id":"h","text":"H","metadata":{"n":9007199254740993}}\n`,
      `{"id":"i","text":"I","metadata":{"__proto__":{"x":1}}}\n`,
      `{"id":"j","text":"J","metadata":{"n":1e400}}\n`,
      `{"id":"k","text":"K","metadata":${'{"a":'.repeat(40)}1${'}'.repeat(40)}}\n`,
      line({ id: 'l', text: 'L', tenant: '' }),
      line({ id: 'm', text: 'M', metadata: { big: 'x'.repeat(17_000) } }),
      '{"id":"last","text":"without newline"}',
    ];
    await put({ 'in.ndjson.gz': gzipSync(lines.join('')) });
    const items = await read([join(folder, 'in.ndjson.gz')]);
    expect(ids(items)).toEqual(['a', 'last']);
    const [first] = items;
    expect(first?.type === 'document' && first.document).toEqual({
      id: 'a',
      text: 'A',
      format: 'text',
      metadata: { n: 1 },
      tenant: 't',
    });
    expect(faults(items)).toEqual([
      'rejected broken_ndjson in.ndjson.gz:2',
      'rejected broken_ndjson in.ndjson.gz:4',
      'rejected line_too_long in.ndjson.gz:5',
      'rejected invalid_id in.ndjson.gz:6',
      'rejected invalid_id in.ndjson.gz:7',
      'rejected malformed_unicode in.ndjson.gz:8',
      'skipped empty_document in.ndjson.gz:9',
      'rejected invalid_metadata in.ndjson.gz:10',
      'rejected invalid_metadata in.ndjson.gz:11',
      'rejected invalid_metadata in.ndjson.gz:12',
      'rejected too_deep in.ndjson.gz:13',
      'rejected invalid_tenant in.ndjson.gz:14',
      'rejected invalid_metadata in.ndjson.gz:15',
    ]);
  });

  test('ids are bytes: twins in NFC and NFD are two documents; empty ones and those that reorder text are refused', async () => {
    const twins = ['\u0111\u1ed3ng', '\u0111\u1ed3ng'.normalize('NFD'), 'Case', 'case', 'مرحبا'];
    const refused = ['', 'a\u202eb', 'a\u200bb', '\ufeffa'];
    await put({ 'ids.ndjson': [...twins, ...refused].map((id) => line({ id, text: 'x' })).join('') });
    const items = await read([join(folder, 'ids.ndjson')]);
    expect(ids(items)).toEqual(twins);
    expect(faults(items)).toEqual(refused.map((_, at) => `rejected invalid_id ids.ndjson:${twins.length + 1 + at}`));
  });

  test('a truncated tail is one bad line, a nested archive one bad file', async () => {
    await put({
      'cut.ndjson': `${line({ id: 'a', text: 'A' })}{"id":"b","te`,
      'twice.txt.gz': gzipSync(gzipSync('x')),
    });
    const items = await read([join(folder, 'cut.ndjson'), join(folder, 'twice.txt.gz')]);
    expect(ids(items)).toEqual(['a']);
    expect(faults(items)).toEqual(['rejected broken_ndjson cut.ndjson:2', 'rejected unsupported_type twice.txt.gz']);
  });

  test('standard input is NDJSON, or one document with an id; lines may be cut anywhere by the pipe', async () => {
    const bytes = Buffer.from(line({ id: 'đ', text: 'đồng' }) + line({ id: 'b', text: 'B' }));
    const crumbs = Readable.from([...bytes].map((byte) => Buffer.from([byte])));
    expect(ids(await read(['-'], { stdin: crumbs }))).toEqual(['đ', 'b']);
    const page = await read(['-'], {
      stdin: Readable.from([Buffer.from('<p>x</p>')]),
      stdinFormat: 'html',
      stdinId: 'page',
    });
    expect(ids(page)).toEqual(['page']);
  });

  test('a byte order mark at the start is not part of the text', async () => {
    await put({ 'bom.md': '\ufeff# Title' });
    const [item] = await read([join(folder, 'bom.md')]);
    expect(item?.type === 'document' && item.document.text).toBe('# Title');
  });
});
