/** Everything that is promised of one document's chunks, asserted. */
import assert from 'node:assert/strict';
import { chunkHash, embeddedText, totalTokens } from '@sluice/core';
import type { Tokenizer } from '@sluice/tokenizer';
import type { CutDocument } from '../src/chunker.ts';
import type { ChunkLimits } from '../src/limits.ts';

/** `independent` is a tokenizer that the chunker has not used: it remembers no word of the document. */
export function assertSound(cut: CutDocument, limits: ChunkLimits, independent: Tokenizer): void {
  const { source, chunks } = cut;
  assertNoRuntCouldShare(cut, limits, independent);
  const ends = graphemeEnds(source);
  const bytes = Buffer.from(source);
  let covered = 0;
  chunks.forEach((chunk, index) => {
    const name = `chunk ${index}`;
    assert.equal(chunk.ordinal, index);
    assert.equal(chunk.text, source.slice(chunk.start, chunk.end), `${name}: not the slice`);
    const ownBytes = bytes.subarray(chunk.startByte, chunk.endByte);
    assert(ownBytes.equals(Buffer.from(chunk.text)), `${name}: not the bytes`);
    assert.doesNotMatch(source.slice(covered, chunk.start), /\S/, `text before ${name} is in no chunk`);
    if (limits.overlapTokens === 0) assert(chunk.start >= covered, `${name}: overlaps`);
    assert(chunk.end > covered, `${name}: nothing new`);
    covered = chunk.end;
    const embedded = embeddedText(chunk);
    const counted = {
      text: independent.count(embedded),
      special: independent.specialTokens,
      instruction: limits.instructionTokens,
    };
    assert.deepEqual(chunk.tokens, counted, `${name}: miscounted`);
    assert.equal(chunk.hash, chunkHash(embedded));
    assert(totalTokens(chunk.tokens) <= limits.maxTokens, `${name}: over ${limits.maxTokens} tokens`);
    assert(Buffer.byteLength(chunk.text) <= limits.maxBytes, `${name}: over ${limits.maxBytes} bytes`);
    assert(ends.has(chunk.start), `${name}: starts inside a grapheme`);
    assert(ends.has(chunk.end), `${name}: ends inside a grapheme`);
  });
  if (chunks.length > 0) assert.doesNotMatch(source.slice(covered), /\S/, 'text after the last chunk');
  else if (/\S/.test(source)) assert.equal(independent.count(source.normalize('NFC')), 0, 'text without chunks');
}

/** A chunk under this part of the target is a runt. */
const RUNT = 0.25;

/** No two neighbours could be one chunk while one of them is a runt; an overlap would count in both, so only without one. */
function assertNoRuntCouldShare({ source, chunks }: CutDocument, limits: ChunkLimits, independent: Tokenizer): void {
  if (limits.overlapTokens > 0) return;
  const around = independent.specialTokens + limits.instructionTokens;
  const room = limits.maxTokens - around;
  const load = (tokens: number, text: string) =>
    Math.max(tokens, Math.ceil((Buffer.byteLength(text) * room) / limits.maxBytes));
  const least = RUNT * Math.max(1, Math.min(room, limits.targetTokens - around));
  for (const [n, right] of chunks.slice(1).entries()) {
    const left = chunks[n]!;
    if (Math.min(...[left, right].map(({ tokens, text }) => load(tokens.text, text))) >= least) continue;
    const text = source.slice(left.start, right.end);
    const together = load(independent.count(embeddedText({ context: left.context, text })), text);
    assert(together > room, `chunks ${n} and ${n + 1} could be one of ${together}, and one of them is a runt`);
  }
}

function graphemeEnds(source: string): Set<number> {
  const ends = new Set<number>([0]);
  for (const { index, segment } of new Intl.Segmenter('en').segment(source)) ends.add(index + segment.length);
  return ends;
}
