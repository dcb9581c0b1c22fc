/**
 * What was embedded against what had to be. A text is embedded once for every time that it newly came into its document: what stays
 * from one revision to the next is reused, what comes back (A, B, A) is not there any more. Whatever was embedded more often
 * is waste, whoever is to blame.
 */
import { createHash } from 'node:crypto';
import type { TestDocument } from './documents.ts';
import type { Oracle } from './oracle.ts';

export interface TokenFigures {
  /** Of everything handed in, each text as often as it came into its document. */
  corpus: number;
  embedded: number;
  /** Embedded beyond that. */
  wasted: number;
}

/** `embedded`: how often the engine was given a text, by the text's `textHash`. */
export function tokenFigures(
  oracle: Pick<Oracle, 'embeddings'>,
  documents: readonly TestDocument[],
  embedded: ReadonlyMap<string, number>,
): TokenFigures {
  const known = new Map<string, { tokens: number; needed: number }>();
  const before = new Map<string, Set<string>>();
  for (const document of documents) {
    const now = new Set<string>();
    for (const { text, tokens } of oracle.embeddings(document)) {
      const hash = textHash(text);
      const entry = known.get(hash) ?? { tokens, needed: 0 };
      known.set(hash, entry);
      if (before.get(document.id)?.has(hash) !== true && !now.has(hash)) entry.needed += 1;
      now.add(hash);
    }
    before.set(document.id, now);
  }
  const figures = { corpus: 0, embedded: 0, wasted: 0 };
  for (const { tokens, needed } of known.values()) figures.corpus += tokens * needed;
  for (const [hash, times] of embedded) {
    const { tokens, needed } = known.get(hash) ?? { tokens: 0, needed: 0 };
    figures.embedded += times * tokens;
    figures.wasted += Math.max(0, times - needed) * tokens;
  }
  return figures;
}

export function textHash(text: string): string {
  return createHash('sha1').update(text).digest('base64');
}
