import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTokenizer, loadTokenizerModel } from './index.ts';
import { LibraryTokenizer } from './library-tokenizer.ts';

const packaged = fileURLToPath(new URL('../data/tokenizer.json.br', import.meta.url));
/** A tokenizer of another family: words of a list. */
const wordLevel = {
  version: '1.0',
  truncation: { max_length: 2, strategy: 'LongestFirst', stride: 0, direction: 'Right' },
  added_tokens: [],
  pre_tokenizer: { type: 'Whitespace' },
  model: { type: 'WordLevel', vocab: { '[UNK]': 0, hello: 1, world: 2 }, unk_token: '[UNK]' },
};
let folder: string;
const write = (name: string, content: string) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-tokenizer-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a file of another family', () => {
  it('is counted by the library, whole, whatever the file says of truncation', async () => {
    const model = await loadTokenizerModel(write('words.json', JSON.stringify(wordLevel)));
    expect(model).toMatchObject({ kind: 'library', reason: 'its model is not Unigram' });
    const tokenizer = createTokenizer(model);
    expect(tokenizer.specialTokens).toBe(0);
    expect(tokenizer.encode('hello there world hello')).toEqual([1, 0, 2, 1]);
    expect(tokenizer.count('hello there world hello', 6)).toBe(3);
  });

  it('is never answered with the count of another text, however late that comes', async () => {
    const model = await loadTokenizerModel(write('late.json', JSON.stringify(wordLevel)));
    if (model.kind !== 'library') throw new Error('not the library');
    const tokenizer = new LibraryTokenizer(model, 1);
    const answer = (text: string): number | undefined => {
      try {
        return tokenizer.count(text);
      } catch (error) {
        expect(error).toMatchObject({ code: 'bad_tokenizer', got: 'no answer within 0.001 s' });
        return undefined;
      }
    };
    expect(answer('hello '.repeat(300_000))).toBeUndefined();
    let counted: number | undefined;
    for (let asked = 0; counted === undefined; asked++) {
      const words = 1 + (asked % 5);
      counted = answer('hello '.repeat(words));
      if (counted !== undefined) expect(counted).toBe(words);
    }
  });

  it('is refused plainly when the library cannot read it either', async () => {
    const broken = { ...wordLevel, model: { type: 'Nonsense' } };
    const model = await loadTokenizerModel(write('nonsense.json', JSON.stringify(broken)));
    expect(() => createTokenizer(model)).toThrow(expect.objectContaining({ code: 'bad_tokenizer' }));
  });

  it.each([
    ['a normaliser of another kind', (json: Record<string, unknown>) => ({ ...json, normalizer: { type: 'NFKC' } })],
    [
      'bytes for what is unknown',
      (json: Record<string, unknown>) => ({ ...json, model: { ...(json.model as object), byte_fallback: true } }),
    ],
    [
      'another pre-tokenizer',
      (json: Record<string, unknown>) => ({ ...json, pre_tokenizer: { type: 'Metaspace', replacement: '▁' } }),
    ],
  ])('is told from ours: %s', async (_name, change) => {
    const json = JSON.parse(brotliDecompressSync(readFileSync(packaged)).toString('utf8')) as Record<string, unknown>;
    const model = await loadTokenizerModel(write('changed.json', JSON.stringify(change(json))));
    expect(model.kind).toBe('library');
  });
});

it('is counted by our own code, whole, when it merely truncates or pads', async () => {
  const json = JSON.parse(brotliDecompressSync(readFileSync(packaged)).toString('utf8')) as Record<string, unknown>;
  const { truncation } = wordLevel;
  const padding = {
    strategy: { Fixed: 16 },
    direction: 'Right',
    pad_to_multiple_of: null,
    pad_id: 1,
    pad_type_id: 0,
    pad_token: '<pad>',
  };
  const model = await loadTokenizerModel(write('cut.json', JSON.stringify({ ...json, truncation, padding })));
  expect(model.kind).toBe('unigram');
  expect(createTokenizer(model).count('Water turns the wheel of the mill.')).toBe(
    createTokenizer(await loadTokenizerModel()).count('Water turns the wheel of the mill.'),
  );
});

describe('a file that is no tokenizer', () => {
  it.each([
    ['missing', () => join(folder, 'missing.json')],
    ['not JSON', () => write('text.json', 'hello')],
    ['JSON without a model', () => write('empty.json', '{}')],
    ['not Brotli', () => write('plain.json.br', '{}')],
  ])('is refused with its path: %s', async (_name, path) => {
    const where = path();
    await expect(loadTokenizerModel(where)).rejects.toMatchObject({ code: 'bad_tokenizer', where });
  });
});

it('names a tokenizer by its content, not its place', async () => {
  const tiny = fileURLToPath(new URL('../../../test/fixtures/jina-v3-tiny/tokenizer.json', import.meta.url));
  const copy = write('copy.json', readFileSync(tiny, 'utf8'));
  expect((await loadTokenizerModel(copy)).name).toBe((await loadTokenizerModel(tiny)).name);
});
