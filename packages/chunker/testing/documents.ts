/** Documents and limits for property tests: structure, many scripts, and strings made to break things. */
import fc from 'fast-check';
import type { ChunkLimits } from '../src/limits.ts';

export const word = fc.constantFrom(
  ...'the of water mill wheel gate river đồng bằng sông nước 数据库 水車 回る เปิดประตู ประตูน้ำ مرحبا שלום 👩‍🔬 é 🇻🇳 x²'.split(
    ' ',
  ),
);
const sentence = fc
  .tuple(fc.array(word, { minLength: 2, maxLength: 14 }), fc.constantFrom('. ', '? ', '。', ', ', '\n'))
  .map(([words, end]) => words.join(' ') + end);
const paragraph = fc.array(sentence, { minLength: 1, maxLength: 6 }).map((all) => all.join(''));
const block = fc.oneof(
  { weight: 5, arbitrary: paragraph },
  { weight: 2, arbitrary: fc.tuple(fc.integer({ min: 1, max: 6 }), word).map(([n, t]) => `${'#'.repeat(n)} ${t}`) },
  fc.array(sentence, { minLength: 1, maxLength: 8 }).map((all) => all.map((text) => `- ${text.trim()}`).join('\n')),
  fc.array(word, { minLength: 1, maxLength: 30 }).map((all) => `\`\`\`ts\n${all.join('\n')}\n\`\`\``),
  fc
    .array(word, { minLength: 1, maxLength: 20 })
    .map((all) => `| a | b |\n|---|---|\n${all.map((w) => `| ${w} | 1 |`).join('\n')}`),
  paragraph.map((text) => `> ${text.replaceAll('\n', '\n> ')}`),
  fc.constantFrom('---', '<div>\n', '    code', 'Title\n===', '\u0301mark', '[a]: b', '\\', '```', '\t\f', '</s>'),
);
export const markdown = fc.array(block, { maxLength: 14 }).map((blocks) => blocks.join('\n\n'));
const element = fc.oneof(
  { weight: 4, arbitrary: paragraph.map((text) => `<p>${text}</p>`) },
  fc.tuple(fc.integer({ min: 1, max: 6 }), word).map(([n, text]) => `<h${n}>${text}</h${n}>`),
  fc.array(word, { maxLength: 20 }).map((all) => `<ul>${all.map((text) => `<li>${text}`).join('')}</ul>`),
  fc
    .array(word, { maxLength: 12 })
    .map((all) => `<table><tr><th>a<th>b${all.map((w) => `<tr><td>${w}<td>1`).join('')}</table>`),
  fc.constantFrom(
    '<nav>x</nav>',
    '<pre>a\n  b</pre>',
    '<script>1<2</script>',
    '<b><i>',
    '</div>',
    '<main>',
    '&amp;&#x301;',
    '<br>',
    '<',
  ),
);
export const html = fc.array(element, { maxLength: 16 }).map((elements) => elements.join('\n'));
const statement = fc.oneof(
  { weight: 5, arbitrary: fc.array(word, { minLength: 1, maxLength: 8 }).map((all) => `call('${all.join(' ')}');`) },
  fc.constantFrom('', '', '}', '{', '// note', '/* open', '`', '  ', '\tindented();', '"'.repeat(3), '@dec'),
);
const declaration = fc
  .tuple(
    fc.constantFrom(
      'function f() {',
      'class A {',
      'const a = 1;',
      'def f(x):',
      'impl A {',
      '/** doc */',
      '  method() {',
    ),
    fc.array(statement, { maxLength: 12 }),
    fc.constantFrom('}', '', '}\n', '};\n\n'),
  )
  .map(([head, body, tail]) => [head, ...body.map((line) => `  ${line}`), tail].join('\n'));
/** A program of no language in particular, seldom a whole one. */
export const program = fc.array(declaration, { maxLength: 10 }).map((all) => all.join('\n'));
export const anything = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.string({ unit: 'grapheme', maxLength: 400 }),
  fc
    .array(
      fc.oneof(
        word,
        fc.constantFrom(
          '\n',
          '\r\n',
          '\r',
          ' ',
          '\u3000',
          '\u2028',
          '\u0600',
          '\u0301',
          '\u200d',
          '#',
          '-',
          '`',
          '|',
          '>',
        ),
      ),
      {
        maxLength: 300,
      },
    )
    .map((parts) => parts.join('')),
  fc
    .tuple(
      fc.constantFrom('a', '字', '😀', '\n', '> ', '- ', '`', '|', '\u00a0', 'ก'),
      fc.integer({ min: 100, max: 3_000 }),
    )
    .map(([c, n]) => c.repeat(n)),
);
export const limits = fc
  .record({
    targetTokens: fc.integer({ min: 16, max: 120 }),
    spare: fc.integer({ min: 0, max: 200 }),
    maxBytes: fc.constantFrom(65_535, 300),
    overlapTokens: fc.constantFrom(0, 0, 8),
    headings: fc.boolean(),
    instructionTokens: fc.constantFrom(0, 9),
  })
  .map(
    ({ spare, targetTokens, ...rest }): ChunkLimits => ({
      ...rest,
      targetTokens,
      maxTokens: Math.max(36, targetTokens + spare),
    }),
  );
