import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeDocx, makePdf, makeZip } from '../../../testing/office-files.ts';
import { type ExtractedName, extractedFormats, installCommand } from './extracted-format.ts';
import { Extractor } from './extractor.ts';

const maxInflatedBytes = 1_000_000;
let extractor: Extractor;
beforeAll(() => {
  extractor = new Extractor({ maxInflatedBytes });
});
afterAll(() => extractor.close());
const extract = (name: ExtractedName, bytes: Buffer) => extractor.extract(name, bytes);

const pages = [
  ['The gate feeds the wheel', 'and the wheel turns the mill.', '', 'Another paragraph.'],
  ['The second page.'],
];

describe('a PDF', () => {
  it('is its lines, its paragraphs and its pages, the same every time', async () => {
    const text = 'The gate feeds the wheel\nand the wheel turns the mill.\n\nAnother paragraph.\n\nThe second page.';
    for (const _ of [1, 2]) expect(await extract('pdf', makePdf({ pages }))).toBe(text);
  });

  it.each([
    ['with a password', 'encrypted_document', makePdf({ pages, encrypted: true })],
    ['of pictures alone', 'no_text_layer', makePdf({ pages: [[], []] })],
    ['cut off at its start', 'broken_document', makePdf({ pages }).subarray(0, 60)],
    ['that is none', 'broken_document', Buffer.from('%PDF-1.4\nhello')],
  ])('%s is refused as %s, and the next one is read', async (_name, code, bytes) => {
    await expect(extract('pdf', bytes)).rejects.toMatchObject({ code });
    expect(await extract('pdf', makePdf({ pages: [['fine']] }))).toBe('fine');
  });
});

describe('a DOCX', () => {
  it('is HTML with its headings', async () => {
    const bytes = makeDocx([{ text: 'The mill', style: 'Heading1' }, { text: 'Water & wheel.' }]);
    expect(await extract('docx', bytes)).toBe('<h1>The mill</h1><p>Water &amp; wheel.</p>');
  });

  it.each([
    ['with a password', 'encrypted_document', Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1])],
    ['cut off', 'broken_document', makeDocx([{ text: 'x'.repeat(500) }]).subarray(0, 400)],
    ['that is another archive', 'broken_document', makeZip({ 'a.xml': '<a/>' })],
    ['that inflates without end', 'inflated_too_large', makeDocx([{ text: 'x'.repeat(2_000_000) }])],
  ])('%s is refused as %s, and the next one is read', async (_name, code, bytes) => {
    await expect(extract('docx', bytes)).rejects.toMatchObject({ code });
    expect(await extract('docx', makeDocx([{ text: 'fine' }]))).toBe('<p>fine</p>');
  });
});

describe('an extractor', () => {
  let special: Extractor;
  afterEach(() => special.close());

  it('without a library refuses its files with the command that installs it, and reads the others', async () => {
    special = new Extractor({ maxInflatedBytes, modules: { pdf: 'a-library-that-is-not-here' } });
    await expect(special.extract('pdf', makePdf({ pages }))).rejects.toMatchObject({
      code: 'reader_not_installed',
      fix: expect.stringContaining(installCommand(extractedFormats.pdf)),
    });
    expect(await special.extract('docx', makeDocx([{ text: 'fine' }]))).toBe('<p>fine</p>');
  });

  it('gives up one that takes too long', async () => {
    // Its module never finishes loading.
    const modules = { pdf: `data:text/javascript,${encodeURIComponent('for (;;);')}` };
    special = new Extractor({ maxInflatedBytes, modules, deadlineMs: 200 });
    await expect(special.extract('pdf', makePdf({ pages }))).rejects.toMatchObject({ code: 'extraction_stopped' });
  });
});

it('the command installs the version that is tested', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    optionalDependencies: Record<string, string>;
  };
  const named = Object.values(extractedFormats).map(({ library, version }) => [library, version]);
  expect(Object.entries(manifest.optionalDependencies).sort()).toEqual(named.sort());
});
