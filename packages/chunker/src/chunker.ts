/**
 * Cuts a document: outline, units, plan, chunks. Pure and deterministic: the same document, limits and tokenizer give the
 * same chunks on every machine.
 *
 * Invariants: `text === source.slice(start, end)`; every non-blank character of the source is in exactly one chunk (overlap
 * aside); tokens are those of the embedded text, counted by the model's own tokenizer; no chunk passes a limit.
 */
import { type Chunk, embeddedText, type SourceDocument } from '@sluice/core/document';
import { SluiceError } from '@sluice/core/errors';
import { chunkHash, MAX_CHUNKS_PER_DOCUMENT } from '@sluice/core/identity';
import type { Tokenizer } from '@sluice/tokenizer';
import { codeOutline } from './code-outline.ts';
import { ContextMaker } from './context.ts';
import { divide } from './divide.ts';
import { htmlOutline } from './html-outline.ts';
import { type ChunkLimits, checkLimits } from './limits.ts';
import { markdownOutline } from './markdown-outline.ts';
import type { Outline } from './outline.ts';
import { overlapStart } from './overlap.ts';
import type { Budget } from './pack.ts';
import { planChunks } from './plan.ts';
import { textOutline } from './text-outline.ts';
import { Measure, type Unit, unitsOf } from './unit.ts';

/** Grows when the same text would be cut otherwise; part of the cut fingerprint. */
export const chunkerVersion = '2';

export interface CutChunk extends Chunk {
  /** UTF-8 offsets into the source, for readers in languages whose strings are bytes. */
  startByte: number;
  endByte: number;
}

export interface CutDocument {
  /** What offsets refer to: the text itself; for HTML the extracted text. */
  source: string;
  title?: string;
  chunks: CutChunk[];
}

export interface Chunker {
  /**
   * Throws `too_many_chunks`. A document without text to embed gives no chunks.
   */
  cut(document: Pick<SourceDocument, 'text' | 'format' | 'title'>): CutDocument;
}

/** Part of a chunk that its context may take. */
const CONTEXT_SHARE = 1 / 4;

/** Throws `bad_configuration` when the limits do not fit together. */
export function createChunker(tokenizer: Tokenizer, limits: ChunkLimits): Chunker {
  checkLimits(limits, tokenizer.specialTokens);
  return { cut: (document) => cut(document, tokenizer, limits) };
}

function cut(
  document: Pick<SourceDocument, 'text' | 'format' | 'title'>,
  tokenizer: Tokenizer,
  limits: ChunkLimits,
): CutDocument {
  const { outline, title } = outlineOf(document);
  const { source } = outline;
  const measure = new Measure(source, tokenizer, limits.targetTokens);
  const units = unitsOf(outline, measure);
  const result: CutDocument = { source, ...(title !== undefined && { title }), chunks: [] };
  if (units.every(({ tokens }) => tokens === 0)) return result;

  const around = tokenizer.specialTokens + limits.instructionTokens;
  const room = limits.maxTokens - around;
  const contexts = new ContextMaker(tokenizer, title, limits.headings, Math.floor(room * CONTEXT_SHARE));
  const packed = room - limits.overlapTokens;
  const budget: Budget = {
    targetTokens: Math.max(1, Math.min(packed, limits.targetTokens - around - limits.overlapTokens)),
    maxTokens: packed,
    maxBytes: limits.maxBytes,
    contextTokens: (first) => contexts.of(first).tokens,
  };

  /** The end of the last chunk, in both units. */
  let reached = { at: 0, byte: 0 };
  const byteAt = (at: number) =>
    at < reached.at
      ? reached.byte - Buffer.byteLength(source.slice(at, reached.at))
      : reached.byte + Buffer.byteLength(source.slice(reached.at, at));

  const chunkOf = (part: readonly Unit[], start: number): CutChunk => {
    const first = part[0]!;
    const { end } = part.at(-1)!;
    const context = contexts.of(first);
    const text = source.slice(start, end);
    const embedded = embeddedText({ context: context.text, text });
    const startByte = byteAt(start);
    const exact = start === first.start && part.every((unit) => unit.exact);
    return {
      ordinal: result.chunks.length,
      start,
      end,
      startByte,
      endByte: startByte + Buffer.byteLength(text),
      text,
      heading: [...first.path],
      context: context.text,
      hash: chunkHash(embedded),
      tokens: {
        text: exact ? part.reduce((sum, unit) => sum + unit.tokens, context.tokens) : tokenizer.count(embedded),
        special: tokenizer.specialTokens,
        instruction: limits.instructionTokens,
      },
    };
  };
  const fits = ({ tokens, startByte, endByte }: CutChunk) =>
    tokens.text <= room && endByte - startByte <= limits.maxBytes;
  /** Start of the chunk before, its own overlap aside. */
  let previous = 0;
  const write = (part: readonly Unit[]): void => {
    const own = part[0]!.start;
    let chunk: CutChunk | undefined;
    if (limits.overlapTokens > 0 && result.chunks.length > 0) {
      const start = overlapStart(measure, previous, own, limits.overlapTokens);
      if (start < own) chunk = chunkOf(part, start);
    }
    if (chunk === undefined || !fits(chunk)) chunk = chunkOf(part, own);
    if (!fits(chunk)) {
      // Sums over cuts inside a word are estimates: this one was too low.
      const halves = halve(part, measure);
      if (halves !== undefined) {
        for (const half of halves) write(half);
        return;
      }
    }
    if (result.chunks.length === MAX_CHUNKS_PER_DOCUMENT) {
      throw new SluiceError('too_many_chunks', {
        message: 'The document has more chunks than a document may have',
        expected: `${MAX_CHUNKS_PER_DOCUMENT} at most`,
      });
    }
    previous = own;
    reached = { at: chunk.end, byte: chunk.endByte };
    result.chunks.push(chunk);
  };
  for (const part of planChunks(units, measure, budget)) write(part);
  return result;
}

function halve(part: readonly Unit[], measure: Measure): [Unit[], Unit[]] | undefined {
  const units = part.length > 1 ? part : divide(part[0]!, measure);
  if (units === undefined || units.length < 2) return undefined;
  const middle = units.length >> 1;
  return [units.slice(0, middle), units.slice(middle)];
}

function outlineOf({ text, format, title }: Pick<SourceDocument, 'text' | 'format' | 'title'>): {
  outline: Outline;
  title?: string;
} {
  const own = title === undefined ? {} : { title };
  switch (format) {
    case 'markdown':
      return { outline: markdownOutline(text), ...own };
    case 'text':
      return { outline: textOutline(text), ...own };
    case 'html': {
      const page = htmlOutline(text);
      return { outline: page, ...(page.title !== undefined && { title: page.title }), ...own };
    }
    default:
      return { outline: codeOutline(text, format), ...own };
  }
}
