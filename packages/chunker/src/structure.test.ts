/** Where cuts fall: at the document's own boundaries, and only there as long as they fit. */
import { embeddedText, totalTokens } from '@sluice/core';
import { createTokenizer, loadTokenizerModel, type Tokenizer } from '@sluice/tokenizer';
import { beforeAll, describe, expect, it } from 'vitest';
import { createChunker } from './chunker.ts';
import type { ChunkLimits } from './limits.ts';

const limits: ChunkLimits = {
  targetTokens: 100,
  maxTokens: 200,
  maxBytes: 65_535,
  overlapTokens: 0,
  headings: true,
  instructionTokens: 0,
};
let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = createTokenizer(await loadTokenizerModel());
});

const cut = (
  text: string,
  options: Partial<ChunkLimits> = {},
  format: 'markdown' | 'html' | 'text' = 'markdown',
  title?: string,
) => createChunker(tokenizer, { ...limits, ...options }).cut({ text, format, ...(title !== undefined && { title }) });
/** Some 12 tokens, numbered. */
const sentence = (n: number) => `Sentence number ${n} tells of the water and the wheel.`;
const paragraph = (from: number, count: number) =>
  Array.from({ length: count }, (_, n) => sentence(from + n)).join(' ');

describe('sections', () => {
  const sections = ['One', 'Two', 'Three', 'Four'].map((name, n) => `## ${name}\n\n${paragraph(10 * n, 10)}`);

  it('that are large enough for a chunk are cut by themselves', () => {
    const { chunks } = cut(`# Book\n\n${sections.join('\n\n')}`, { targetTokens: 80 });
    expect(chunks.map(({ text }) => /## (\w+)/.exec(text)?.[1])).toEqual(['One', 'Two', 'Three', 'Four']);
  });

  it('that are small share a chunk', () => {
    const small = ['a', 'b', 'c'].map((name) => `## ${name}\n\n${sentence(1)}`).join('\n\n');
    expect(cut(`# Book\n\n${small}`).chunks).toHaveLength(1);
  });

  it('never part a heading from what it heads', () => {
    const text = Array.from({ length: 30 }, (_, n) => `### Part ${n}\n\n${paragraph(n, 1 + (n % 5))}`).join('\n\n');
    for (const { text: chunk } of cut(text).chunks) expect(chunk.trimEnd().split('\n').at(-1)).not.toMatch(/^#/);
  });

  it('that are all alike are parted into halves, so that none is looked at more often than there are halvings', () => {
    // Halved six times, each part is less than twice the target; cut off one by one they are 93.
    const { chunks } = cut('# h\n'.repeat(64 * 72), { headings: false });
    expect(chunks.map(({ text }) => text.split('\n').length)).toEqual(Array(64).fill(72));
  });

  it('leave no runt where two chunks could share', () => {
    const text = Array.from(
      { length: 40 },
      (_, n) => `${'#'.repeat(1 + (n % 3))} Part ${n}\n\n${paragraph(n, (n * 7) % 11)}`,
    ).join('\n\n');
    const { chunks } = cut(text);
    const totals = chunks.map(({ tokens }) => totalTokens(tokens));
    for (let n = 1; n < totals.length; n++) {
      if (totals[n]! < limits.targetTokens * 0.25)
        expect(totals[n - 1]! + totals[n]!).toBeGreaterThan(limits.maxTokens);
    }
  });
});

describe('heading context', () => {
  const text = `# Book\n\n## Mill\n\n${paragraph(0, 30)}\n\n## Weir\n\n${paragraph(30, 6)}`;

  it('goes before the embedded text alone, without what the text begins with', () => {
    const { chunks } = cut(text, {}, 'markdown', 'Handbook');
    expect(chunks[0]!.context).toBe('Handbook\n\n');
    expect(chunks[0]!.text).toMatch(/^# Book/);
    expect(chunks[1]!.heading).toEqual(['Book', 'Mill']);
    expect(embeddedText(chunks[1]!)).toMatch(/^Handbook › Book › Mill\n\nSentence/);
    expect(chunks.at(-1)!.context).toBe('Handbook › Book\n\n');
  });

  it('is not there when switched off, and a title equal to the first heading is said once', () => {
    expect(cut(text, { headings: false }).chunks.every(({ context }) => context === '')).toBe(true);
    expect(cut(text, {}, 'markdown', 'Book').chunks[1]!.context).toBe('Book › Mill\n\n');
  });

  it('takes a quarter of a chunk at most, however long headings are', () => {
    const { chunks } = cut(`# ${'long heading '.repeat(500)}\n\n## Sub\n\n${paragraph(0, 30)}`);
    for (const { context } of chunks) expect(tokenizer.count(context)).toBeLessThanOrEqual(50);
    expect(chunks.at(-1)!.context).toMatch(/Sub\n\n$/);
    const small = { targetTokens: 40, maxTokens: 60 };
    const { chunks: short } = cut(`# ${'long heading '.repeat(500)}\n\n## Sub\n\n${paragraph(0, 30)}`, small);
    expect(short.at(-1)!.context).toBe('Sub\n\n');
  });

  it('holds the text of a heading, not its marks', () => {
    const { chunks } = cut(`# The \`gate\` of **[water](x)**\n\n${paragraph(0, 30)}`);
    expect(chunks[1]!.heading).toEqual(['The gate of water']);
  });
});

describe('fences and tables', () => {
  const code = (lines: number) =>
    `\`\`\`ts title="a"\n${Array.from({ length: lines }, (_, n) => `const wheel${n} = ${n};`).join('\n')}\n\`\`\``;
  const table = (rows: number) =>
    `| gate | flow |\n| --- | --- |\n${Array.from({ length: rows }, (_, n) => `| gate ${n} | ${n} litres |`).join('\n')}`;

  it('that fit a chunk are never divided', () => {
    for (let before = 1; before < 16; before++) {
      for (const unit of [code(12), table(12)]) {
        const { chunks } = cut(`${paragraph(0, before)}\n\n${unit}\n\n${paragraph(50, 8)}`);
        expect(chunks.filter(({ text }) => text.includes(unit))).toHaveLength(1);
      }
    }
  });

  it('that do not are divided by line, opener or header repeated in the embedded text only', () => {
    for (const [unit, repeat] of [
      [code(60), '```ts title="a"\n'],
      [table(60), '| gate | flow |\n| --- | --- |\n'],
    ] as const) {
      const { chunks } = cut(unit);
      expect(chunks.length).toBeGreaterThan(2);
      for (const chunk of chunks.slice(1)) {
        expect(chunk.context).toBe(repeat);
        expect(chunk.text).toMatch(/^(?:const|\| gate)/);
      }
      expect(chunks.map(({ text }) => text).join('\n')).toBe(unit);
    }
  });

  it('that do not are never divided inside a line that fits', () => {
    const cell = (n: number) => Array.from({ length: n }, (_, at) => `water, wheel ${at}`).join(', ');
    for (let cells = 8; cells < 34; cells += 3) {
      const row = (n: number) => `| gate ${n} | ${cell(n % 2 === 0 ? 4 : cells)} |`;
      const rows = Array.from({ length: 9 }, (_, n) => row(n));
      const table = `| gate | flow |\n| --- | --- |\n${rows.join('\n')}`;
      const lines = Array.from({ length: 9 }, (_, n) => `call(${n}, ${cell(n % 2 === 0 ? 4 : cells)})`);
      for (const [text, units] of [
        [table, rows],
        [`\`\`\`py\n${lines.join('\n')}\n\`\`\``, lines],
      ] as const) {
        const { chunks } = cut(text);
        for (const unit of units) {
          expect(tokenizer.count(unit)).toBeLessThan(limits.maxTokens - 20);
          expect(chunks.filter((chunk) => chunk.text.includes(unit))).toHaveLength(1);
        }
      }
    }
  });

  it('repeats the header row of a divided table of a page', () => {
    const rows = Array.from({ length: 60 }, (_, n) => `<tr><td>gate ${n}<td>${n} litres`).join('');
    const { chunks } = cut(`<table><tr><th>gate<th>flow${rows}</table>`, {}, 'html');
    expect(chunks.length).toBeGreaterThan(2);
    expect(chunks[0]!.text).toMatch(/^gate \| flow\n/);
    for (const chunk of chunks.slice(1)) {
      expect(embeddedText(chunk)).toMatch(/^gate \| flow\ngate \d+ \| \d+ litres\n/);
      expect(chunk.text).toMatch(/^gate \d+ \|/);
    }
  });

  it('inside a list keep their opener', () => {
    const { chunks } = cut(`- item\n\n${code(60).replaceAll(/^/gm, '  ')}`);
    expect(chunks.at(-1)!.context).toBe('```ts title="a"\n');
  });
});

describe('prose too long for a chunk', () => {
  it('is cut between sentences, over the ends of lines', () => {
    const { chunks } = cut(paragraph(0, 60).replaceAll(' the ', '\nthe '));
    for (const { text } of chunks) expect(text).toMatch(/^Sentence[\s\S]*\.$/);
  });

  it('is cut behind full stops without spaces', () => {
    const { chunks } = cut('水从闸门流下,推动水车的轮子。'.repeat(60));
    for (const { text } of chunks) expect(text).toMatch(/。$/);
  });

  it.each([
    ['Thai', 'น้ำไหลผ่านประตูไปหมุนกังหัน'],
    ['Khmer', 'ទឹកហូរតាមទ្វារទៅបង្វិលកង់'],
    ['Lao', 'ນ້ໍາໄຫຼຜ່ານປະຕູໄປໝູນກັງຫັນ'],
  ])('is cut between words where a language writes no spaces: %s', (_name, sentence) => {
    const text = sentence.repeat(60);
    const ends = new Set<number>();
    for (const { index, segment } of new Intl.Segmenter('en', { granularity: 'word' }).segment(text))
      ends.add(index + segment.length);
    expect(ends.size).toBeGreaterThan(240);
    const { chunks } = cut(text);
    expect(chunks.length).toBeGreaterThan(1);
    for (const { end } of chunks) expect(ends).toContain(end);
  });

  it('is cut between sentences from right to left', () => {
    for (const { text } of cut('يتدفق الماء من البوابة ويدير العجلة. هل تدور العجلة؟ '.repeat(40)).chunks)
      expect(text).toMatch(/[.؟]$/);
  });

  it.each(['👩\u200d🔬', '🇻🇳', '👍🏽', 'e\u0301\u0323', 'क्षि'])('never parts %s', (grapheme) => {
    const { chunks } = cut(grapheme.repeat(2_000));
    expect(chunks.length).toBeGreaterThan(1);
    for (const { text } of chunks) expect(text).toBe(grapheme.repeat(text.length / grapheme.length));
  });
});

describe('markdown', () => {
  it('front matter is no heading', () => {
    const { chunks } = cut('---\ntitle: x\n---\n\n# Real\n\ntext');
    expect(chunks[0]!.heading).toEqual([]);
    expect(chunks[0]!.text).toMatch(/^---/);
  });

  it('front matter may be empty, and a text that begins with a line across has none', () => {
    const headings = (text: string) => cut(text).chunks.map(({ heading }) => heading);
    expect(headings('---\n---\n\n# Real\n\ntext\n\n---\n')).toEqual([[]]);
    const body = `# One\n\n${paragraph(0, 12)}\n\n# Two\n\n${paragraph(12, 12)}\n\n---\n\nend`;
    expect(headings(`---\n\n${body}`)).toContainEqual(['Two']);
    expect(headings(`---\r\n \r\n${body}`)).toContainEqual(['Two']);
    expect(headings(`---\n---\n${body}`)).toContainEqual(['Two']);
  });

  it('a # inside a fence is no heading', () => {
    const { chunks } = cut(`\`\`\`sh\n# not a heading\n\`\`\`\n\n${paragraph(0, 30)}`);
    expect(chunks.every(({ heading }) => heading.length === 0)).toBe(true);
  });
});

describe('html', () => {
  it('is its main text, with headings, lists, tables and preformatted text', () => {
    const page = `<!doctype html><title>Mill &amp; weir</title><nav>menu</nav><header><h1>The mill</h1></header>
      <style>p{}</style><p>Water   turns<br>the <b>wheel</b>.</p><ul><li>gate<li>sluice<ol><li>first</ol></ul>
      <table><tr><th>gate<th>flow<tr><td>one<td>2 l</table><pre>  a\n    b</pre><script>let x = "<p>no</p>"</script><aside>ad</aside>`;
    const { source, title, chunks } = cut(page, {}, 'html');
    expect(title).toBe('Mill & weir');
    expect(source).toBe(
      'The mill\n\nWater turns\nthe wheel.\n- gate\n- sluice\n  1. first\n\ngate | flow\none | 2 l\n\n  a\n    b',
    );
    expect(chunks[0]!.heading).toEqual(['The mill']);
  });

  it('reads only <main> where there is one with text', () => {
    const { source } = cut(`<p>before</p><main><p>${paragraph(0, 5)}</p></main><p>after</p>`, {}, 'html');
    expect(source).toBe(paragraph(0, 5));
  });

  it('reads the cells of a table that lays out a page as text', () => {
    const { source } = cut(
      '<table><tr><td><h2>Gate</h2><p>one</p><p>two</p></td><td>side</td></tr></table>',
      {},
      'html',
    );
    expect(source).toBe('Gate\n\none\n\ntwo\n\nside');
  });

  it('leaves out what a page hides', () => {
    const { source } = cut(
      '<p hidden>a</p><p>b</p><div aria-hidden="true">c</div><a class="headerlink">¶</a>',
      {},
      'html',
    );
    expect(source).toBe('b');
  });

  it.each([
    ['a list in an item', '<ul><li>a<li hidden>b<ul><li>c</ul>d<li>e</ul>', '- a\n- e'],
    ['with end tags', '<ul><li hidden>b<ul><li>c</li></ul>d</li><li>e</li></ul>', '- e'],
    ['a list of terms in a term', '<dl><dt hidden>a<dl><dt>b<dd>c</dl>d<dd>e</dl>', 'e'],
    ['a table in a cell', '<table><tr><td hidden>a<table><tr><td>b</table>c<td>d</table>', 'd'],
    ['a drawing in a paragraph', '<p hidden>a<svg><g></g></svg>b<p>c', 'c'],
    ['a cell, to the next of another kind', '<table><tr><th hidden>a<td>b<tr><td>c</table>', 'b\nc'],
    ['a cell, to the end of its row', '<table><tr><td>a<td hidden>b</tr><tr><th>c</table>', 'a\nc'],
    ['a row, to the next part of the table', '<table><tr hidden><td>a<tbody><tr><td>b</table>', 'b'],
  ])('leaves out all that is inside of what a page hides, and no more: %s', (_name, page, expected) => {
    expect(cut(page, {}, 'html').source).toBe(expected);
  });

  it.each(['<svg/>', '<math />', '<svg><path d="M0 0"/></svg>'])('goes on behind %s', (drawing) => {
    expect(cut(`<p>a ${drawing} b</p><p>c</p>`, {}, 'html').source.replaceAll(/\s+/g, ' ')).toBe('a b c');
  });

  it('may have elements named like what every object has', () => {
    for (const name of ['constructor', 'valueof'])
      expect(cut(`<p>a</p><${name}>b</${name}><p>c</p>`, {}, 'html').source).toBe('a\n\nb\n\nc');
  });
});

describe('overlap', () => {
  it('repeats whole sentences of the chunk before, within the limits', () => {
    const { chunks } = cut(paragraph(0, 60), { overlapTokens: 30 });
    for (const [n, chunk] of chunks.slice(1).entries()) {
      const before = chunks[n]!;
      expect(chunk.start).toBeLessThan(before.end);
      expect(chunk.start).toBeGreaterThan(before.start);
      expect(chunk.text).toMatch(/^Sentence/);
      expect(tokenizer.count(before.text.slice(chunk.start - before.start))).toBeLessThanOrEqual(30);
      expect(totalTokens(chunk.tokens)).toBeLessThanOrEqual(limits.maxTokens);
    }
  });

  it.each([
    ['Chinese', '水从闸门流下，推动水车的轮子。', /^水/],
    ['Chinese with one space at its end', `${'水从闸门流下，推动水车的轮子。'.repeat(59)}水 从闸门。`, /^水/],
    ['Japanese', '水は水門から流れ下り、水車の輪を回す。', /^水/],
    ['Thai', 'น้ำไหลผ่านประตูไปหมุนกังหัน', /^./],
    ['one sentence of Chinese', '水从闸门流下推动水车的轮子', /^./],
  ])('is there where a language writes no spaces: %s', (_name, sentence, begins) => {
    const text = sentence.repeat(Math.ceil(6_000 / sentence.length));
    const words = new Set(
      [...new Intl.Segmenter('en', { granularity: 'word' }).segment(text)].map(({ index }) => index),
    );
    for (const options of [{ overlapTokens: 30 }, { overlapTokens: 30, targetTokens: 500, maxTokens: 1_000 }]) {
      const { chunks } = cut(text, options);
      expect(chunks.length).toBeGreaterThan(1);
      for (const [n, { start, text: chunk }] of chunks.slice(1).entries()) {
        const { end } = chunks[n]!;
        expect(start).toBeLessThan(end);
        expect(tokenizer.count(text, start, end)).toBeGreaterThan(8);
        expect(tokenizer.count(text, start, end)).toBeLessThanOrEqual(30);
        expect(words).toContain(start);
        expect(chunk).toMatch(begins);
      }
    }
  });
});
