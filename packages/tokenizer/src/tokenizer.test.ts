/** Equality with the reference: Hugging Face's Rust tokenizers, on everything that could tell the two apart. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import { Tokenizer as Reference } from '@anush008/tokenizers';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createTokenizer, loadTokenizerModel, type Tokenizer, type TokenizerModel } from './index.ts';
import { buildTokenizerModel } from './load.ts';

const data = (name: string) => fileURLToPath(new URL(`../data/${name}`, import.meta.url));
const jsonFile = data('tokenizer.json.br');
/** The whole proof is tools/prove-equality.ts; this is the part that runs every time. */
const FUZZED = 4_000;

let model: TokenizerModel;
let tokenizer: Tokenizer;
let reference: Reference;

beforeAll(async () => {
  model = await loadTokenizerModel();
  tokenizer = createTokenizer(model);
  reference = Reference.fromString(brotliDecompressSync(readFileSync(jsonFile)).toString('utf8'));
});

async function referenceIds(texts: readonly string[]): Promise<number[][]> {
  const encodings = await reference.encodeBatch([...texts]);
  return encodings.map((encoding) => encoding.getIds());
}

/** The first text whose ids or count differ. */
async function firstDifference(texts: readonly string[]): Promise<string | undefined> {
  const expected = await referenceIds(texts);
  const at = texts.findIndex((text, index) => {
    const ids = tokenizer.encodeWithSpecials(text);
    const wanted = expected[index]!;
    const counted = tokenizer.count(text) + tokenizer.specialTokens;
    return counted !== wanted.length || ids.length !== wanted.length || ids.some((id, n) => id !== wanted[n]);
  });
  return at < 0 ? undefined : texts[at]!;
}

describe('the packaged tokenizer', () => {
  it('gives the ids published for XLM-R', () => {
    const known = JSON.parse(readFileSync(data('known-ids.json'), 'utf8')) as { text: string; ids: number[] }[];
    for (const { text, ids } of known) expect(tokenizer.encodeWithSpecials(text)).toEqual(ids);
  });

  it('is what its tokenizer.json builds', async () => {
    const built = await buildTokenizerModel(jsonFile);
    expect(model.name).toBe('xlm-roberta');
    expect(model.sha256).toBe(built.sha256);
    expect(differing(built, model, 'model')).toBeUndefined();
  });

  it('lies in shared memory, so that threads do not copy it', () => {
    if (model.kind !== 'unigram') throw new Error(model.reason);
    expect(model.unigram.trie.units.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(structuredClone(model).unigram.trie.units.buffer.byteLength).toBe(
      model.unigram.trie.units.buffer.byteLength,
    );
  });
});

describe('equality with the reference', () => {
  it('holds for every seventh code point, alone and beside letters and marks', async () => {
    for (let from = 0; from < 0x110000; from += 0x8000) {
      const texts: string[] = [];
      for (let codePoint = from + (from % 7); codePoint < from + 0x8000; codePoint += 7) {
        if (codePoint >= 0xd800 && codePoint < 0xe000) continue;
        const c = String.fromCodePoint(codePoint);
        texts.push(`a${c}b ${c} ${c}x ${c}\u0301`);
      }
      expect(await firstDifference(texts)).toBeUndefined();
    }
  }, 60_000);

  it('holds for odd strings: marks, joiners, odd spaces, special literals, halves of pairs', async () => {
    const odd = fc.constantFrom(
      ...'abc 12.,-_éàđồ\t\n\r\u00a0\u3000\u2028\u0085\u000b\u0300\u0301\u0308\u0340\u034f\u0600\u06dd\u070f\u200d\u200c\ufe0f',
      ...[
        '</s>',
        '<s>',
        '<mask>',
        '<pad>',
        '<unk>',
        '<',
        '＜ｓ＞',
        '＜unk＞',
        '▁',
        '\r\n',
        '\ud800',
        '\udc00',
        '\ud83d',
      ],
      ...'中文，。！日本語かなガﾊﾟกำขี้ไทยकषक्षि\u0958\u093c\u094d©®™㊗Ⓜℹ가ᄀ\u1161\u11a8각',
      ...['👍🏽', '🇻🇳', '🇺🇸', '👨\u200d👩', '𝐀', '𝟘', '\u{e0100}', '\u{1d165}', '\u{110bd}'],
    );
    const text = fc.array(fc.oneof({ weight: 12, arbitrary: odd }, fc.string({ unit: 'binary', maxLength: 2 })), {
      maxLength: 16,
    });
    const texts = fc.sample(text, { numRuns: FUZZED, seed: 20_261_123 }).map((parts) => parts.join(''));
    expect(await firstDifference(texts)).toBeUndefined();
  });

  it('holds for the texts of the golden vectors, with their own smaller vocabulary', async () => {
    const fixture = fileURLToPath(new URL('../../../test/fixtures/jina-v3-tiny/', import.meta.url));
    const golden = JSON.parse(readFileSync(`${fixture}golden.json`, 'utf8')) as unknown;
    const own = createTokenizer(await loadTokenizerModel(`${fixture}tokenizer.json`));
    const theirs = Reference.fromFile(`${fixture}tokenizer.json`);
    const texts = stringsOf(golden).filter((text) => !/^[A-Za-z0-9+/=]{100,}$/.test(text));
    expect(texts.length).toBeGreaterThan(14);
    for (const text of texts) expect(own.encodeWithSpecials(text)).toEqual((await theirs.encode(text)).getIds());
    expect(await firstDifference(texts)).toBeUndefined();
  });

  it('holds for two megabytes of real English, Vietnamese, Chinese, Japanese and code', async () => {
    const root = fileURLToPath(new URL('../../../', import.meta.url));
    const read = (folder: string, kind: RegExp) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => kind.test(name))
        .map((name) => readFileSync(join(root, folder, name), 'utf8'));
    const samples = {
      english: read('examples/corpus/en', /\.(?:md|txt|html)$/),
      vietnamese: read('examples/corpus/vi', /\.(?:md|txt|html)$/),
      chinese: read('examples/corpus/zh', /\.(?:md|txt|html)$/),
      japanese: read('packages/tokenizer/testing', /japanese\.txt$/),
      code: ['chunker', 'core', 'queue', 'store'].flatMap((name) => read(`packages/${name}/src`, /\.ts$/)),
    };
    for (const texts of Object.values(samples)) expect(texts.length).toBeGreaterThan(0);
    const all = Object.values(samples).flat();
    expect(Buffer.byteLength(all.join(''))).toBeGreaterThan(2e6);
    expect(await firstDifference([...all, ...samples.japanese.flatMap((text) => text.split('\n'))])).toBeUndefined();
  }, 60_000);

  it('holds for words of 200,000 characters, which must not recurse', async () => {
    const texts = ['x'.repeat(200_000), '\u0301'.repeat(20_000), '字'.repeat(50_000), `${'😀'.repeat(30_000)}é`];
    expect(await firstDifference(texts)).toBeUndefined();
  });
});

describe('count', () => {
  it('adds up at separators', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (left, right) => {
        expect(tokenizer.count(`${left}\n${right}`)).toBe(tokenizer.count(left) + tokenizer.count(right));
      }),
      { numRuns: 300 },
    );
  });

  it('counts a slice as if it stood alone', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(), fc.nat(), (text, a, b) => {
        const start = Math.min(a, b) % (text.length + 1);
        const end = start + ((Math.max(a, b) - start) % (text.length - start + 1));
        expect(tokenizer.count(text, start, end)).toBe(tokenizer.count(text.slice(start, end)));
      }),
      { numRuns: 300 },
    );
  });

  it('remembers words without confusing them, however many there are', () => {
    const fresh = createTokenizer(model);
    const words = Array.from({ length: 200_000 }, (_, n) => `w${(n * 2_654_435_761) % 4_294_967_296}`);
    for (const word of words) fresh.count(word);
    for (const word of words.slice(0, 2_000)) expect(fresh.count(word)).toBe(fresh.encode(word).length);
  });
});

function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(stringsOf);
}

/** Path of the first thing that two models do not share; typed arrays compared element by element. */
function differing(a: unknown, b: unknown, path: string): string | undefined {
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) {
    const same = Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
    return same ? undefined : path;
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b ? undefined : path;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  for (const key of keys) {
    const found = differing((a as never)[key], (b as never)[key], `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function bytesOf(view: ArrayBufferView): Buffer {
  return Buffer.from(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength);
}
