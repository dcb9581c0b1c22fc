/** Everything that is promised of one document's chunks, asserted. */
import assert from 'node:assert/strict';
import { chunkHash, embeddedText, totalTokens } from '@sluice/core';
import type { Tokenizer } from '@sluice/tokenizer';
import type { CutDocument } from '../src/chunker.ts';
import type { ChunkLimits } from '../src/limits.ts';

/** `independent` is a tokenizer that the chunker has not used: it remembers no word of the document. */
export function assertSound({ source, chunks }: CutDocument, limits: ChunkLimits, independent: Tokenizer): void {
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

function graphemeEnds(source: string): Set<number> {
  const ends = new Set<number>([0]);
  for (const { index, segment } of new Intl.Segmenter('en').segment(source)) ends.add(index + segment.length);
  return ends;
}
