/**
 * Writes data/xlm-roberta.bin.br from data/tokenizer.json.br. To be run whenever the packed layout or the trie changes; takes half a
 * minute, nearly all of it Brotli's.
 *
 *     node tools/pack-tokenizer.ts
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';
import { buildTokenizerModel } from '../src/load.ts';
import { packModel } from '../src/packed-model.ts';

const data = (name: string) => fileURLToPath(new URL(`../data/${name}`, import.meta.url));
const model = await buildTokenizerModel(data('tokenizer.json.br'));
if (model.kind !== 'unigram') throw new Error(model.reason);
const packed = packModel(model);
const file = brotliCompressSync(packed, {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: packed.length,
  },
});
writeFileSync(data('xlm-roberta.bin.br'), file);
console.log(`${packed.length} bytes, ${file.length} under Brotli`);
