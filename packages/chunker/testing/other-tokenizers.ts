/** Small tokenizers whose counts do not add up at white space, as tokenizer.json: line feeds and spaces are tokens, or parts of them. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** As GPT-2, RoBERTa and their like write bytes: those that can be seen stand for themselves, the others follow from U+0100 on. */
function byteLetters(): string[] {
  let other = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const seen = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCharCode(seen ? byte : other++);
  });
}

export function byteLevelBpe(): string {
  const letters = byteLetters();
  const [feed, space] = [letters[10]!, letters[32]!];
  const merges: [string, string][] = [
    [feed, feed],
    [space, space],
    [`${space}${space}`, `${space}${space}`],
    [space, 't'],
    ['h', 'e'],
    [`${space}t`, 'he'],
    [letters[0xc3]!, letters[0xa9]!],
    [letters[0xe6]!, letters[0xb0]!],
  ];
  const vocab = Object.fromEntries(
    [...letters, ...merges.map((pair) => pair.join(''))].map((piece, id) => [piece, id]),
  );
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return JSON.stringify({
    version: '1.0',
    added_tokens: [],
    pre_tokenizer: byteLevel,
    decoder: byteLevel,
    model: { type: 'BPE', vocab, merges: merges.map((pair) => pair.join(' ')) },
  });
}

/** The unigram model of the golden texts without the split at white space: a run of it is more than one piece. */
export function metaspaceAlone(): string {
  const tiny = new URL('../../../test/fixtures/jina-v3-tiny/tokenizer.json', import.meta.url);
  const json = JSON.parse(readFileSync(fileURLToPath(tiny), 'utf8')) as Record<string, unknown>;
  const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: false };
  return JSON.stringify({ ...json, pre_tokenizer: metaspace });
}
