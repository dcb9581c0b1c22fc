/**
 * The whole proof that counts and ids equal the reference's: every Unicode code point in six surroundings, 20,000 odd strings,
 * and every line of the files named. Prints what was compared; exits 1 at the first difference.
 *
 *     node tools/prove-equality.ts [FILE…]
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import { Tokenizer as Reference } from '@anush008/tokenizers';
import fc from 'fast-check';
import { createTokenizer, loadTokenizerModel } from '../src/index.ts';

const json = fileURLToPath(new URL('../data/tokenizer.json.br', import.meta.url));
const reference = Reference.fromString(brotliDecompressSync(readFileSync(json)).toString('utf8'));
const tokenizer = createTokenizer(await loadTokenizerModel());
const BATCH = 500;

async function compare(name: string, texts: readonly string[]): Promise<void> {
  let tokens = 0;
  for (let from = 0; from < texts.length; from += BATCH) {
    const batch = texts.slice(from, from + BATCH);
    const encodings = await reference.encodeBatch(batch);
    for (const [at, text] of batch.entries()) {
      const expected = encodings[at]!.getIds();
      const ids = tokenizer.encodeWithSpecials(text);
      const count = tokenizer.count(text) + tokenizer.specialTokens;
      tokens += count;
      if (count === expected.length && ids.length === expected.length && ids.every((id, n) => id === expected[n]))
        continue;
      console.error(`${name}: differs at item ${from + at}: ${JSON.stringify(text.slice(0, 200))}`);
      process.exit(1);
    }
  }
  console.log(`${name}: ${texts.length.toLocaleString('en')} texts, ${tokens.toLocaleString('en')} tokens, all equal`);
}

const codePoints = Array.from({ length: 0x110000 }, (_, n) => n).filter((n) => n < 0xd800 || n >= 0xe000);
await compare(
  'code points',
  codePoints.map((n) => {
    const c = String.fromCodePoint(n);
    return `${c} a${c}b ${c}x ${c}\u0301 ${c}\u093e y\u200d${c}\u200d${c}\u0308`;
  }),
);
const odd = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      ...' ab\t\n\r\u00a0\u0300\u0301\u0308\u0340\u0600\u070f\u200d\ufe0f©™㊗Ⓜ\u0958\u094d\u093c字。',
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('</s>', '<mask>', '＜ｓ＞', '＜unk＞', '\ud800', '👍🏽', '🇻🇳', '\u{1d165}', '\u{e0100}'),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 1 }) },
);
const fuzz = fc.sample(fc.array(odd, { maxLength: 24 }), { numRuns: 20_000, seed: 1 }).map((parts) => parts.join(''));
await compare('odd strings', fuzz);
for (const file of process.argv.slice(2)) {
  const text = readFileSync(file, 'utf8');
  await compare(file, [text, ...text.split('\n')]);
}
