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
import { htmlOutline } from './html-outline.ts';
import { type ChunkLimits, checkLimits } from './limits.ts';
import { markdownOutline } from './markdown-outline.ts';
import type { Outline } from './outline.ts';
import { overlapStart } from './overlap.ts';
import { type Budget, loadIn } from './pack.ts';
import { planChunks } from './plan.ts';
import { textOutline } from './text-outline.ts';
import { Measure, type Unit, unitsOf } from './unit.ts';
import { fitting, joinRunts, type Weighed } from './weighed.ts';

/** Grows when the same text would be cut otherwise; part of the cut fingerprint. */
export const chunkerVersion = '3';

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

  /** `start` is before the first unit's own where the end of the chunk before is repeated. */
  const weighed = (units: readonly Unit[], start = units[0]!.start): Weighed => {
    const { end } = units.at(-1)!;
    const context = contexts.of(units[0]!);
    const text = source.slice(start, end);
    const exact = start === units[0]!.start && units.every((unit) => unit.exact);
    const tokens = exact
      ? units.reduce((sum, unit) => sum + unit.tokens, context.tokens)
      : tokenizer.count(embeddedText({ context: context.text, text }));
    const bytes = Buffer.byteLength(text);
    return { units, start, context: context.text, text, tokens, bytes, load: loadIn(budget, tokens, bytes) };
  };
  const fits = ({ tokens, bytes }: Weighed) => tokens <= room && bytes <= limits.maxBytes;
  const parts = fitting(planChunks(units, measure, budget), weighed, fits, measure);
  /** Start of the chunk before, its own overlap aside; and the end of it, in both units. */
  let previous = 0;
  let reached = { at: 0, byte: 0 };
  for (const part of joinRunts(parts, weighed, budget)) {
    const own = part.start;
    let chosen = part;
    if (limits.overlapTokens > 0 && result.chunks.length > 0) {
      const start = overlapStart(measure, previous, own, limits.overlapTokens);
      const overlapping = start < own ? weighed(part.units, start) : part;
      if (fits(overlapping)) chosen = overlapping;
    }
    if (result.chunks.length === MAX_CHUNKS_PER_DOCUMENT) {
      throw new SluiceError('too_many_chunks', {
        message: 'The document has more chunks than a document may have',
        expected: `${MAX_CHUNKS_PER_DOCUMENT} at most`,
      });
    }
    const { start, context, text, tokens, bytes } = chosen;
    const startByte =
      start < reached.at
        ? reached.byte - Buffer.byteLength(source.slice(start, reached.at))
        : reached.byte + Buffer.byteLength(source.slice(reached.at, start));
    previous = own;
    reached = { at: start + text.length, byte: startByte + bytes };
    result.chunks.push({
      ordinal: result.chunks.length,
      start,
      end: reached.at,
      startByte,
      endByte: reached.byte,
      text,
      heading: [...part.units[0]!.path],
      context,
      hash: chunkHash(embeddedText({ context, text })),
      tokens: { text: tokens, special: tokenizer.specialTokens, instruction: limits.instructionTokens },
    });
  }
  return result;
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
