/**
 * What must be stored, computed again from what was accepted, and compared with every row that is: text, offsets, hashes and
 * vectors. Nothing is taken from the ledger or the queue. The revision of a document is whatever its rows say, but only one.
 */
import { createChunker } from '@sluice/chunker';
import {
  type Chunk,
  type Config,
  contentHash,
  documentKey,
  embeddedText,
  type SourceDocument,
  totalTokens,
} from '@sluice/core';
import { cutVector, nullVector } from '@sluice/embedder';
import { planLine } from '@sluice/line';
import type { Store, StoredRow } from '@sluice/store';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import pLimit from 'p-limit';
import type { TestDocument } from './documents.ts';

export interface Expected {
  id: string;
  /** Undefined: it was deleted, or never accepted. */
  text: string | undefined;
  /** Ordinals that are dead: the older revision, if there is one, is not judged. */
  dead?: boolean;
}

export interface Findings {
  documents: number;
  rows: number;
  /** Chunks of the accepted text that are not stored as they must be. */
  lost: string[];
  /** Keys that are stored more than once. */
  doubled: string[];
  /** Rows of another revision or another text than the accepted one. */
  stale: string[];
  /** Rows of documents that should have none. */
  orphans: string[];
  /** Rows whose vector is not the one of their text. */
  wrong: string[];
}

export interface Oracle {
  /** What is embedded for a text and what it costs, as the engine is given it. */
  embeddings(document: TestDocument): { text: string; tokens: number }[];
  compare(store: Store, collection: string, expected: readonly Expected[]): Promise<Findings>;
}

export async function createOracle(config: Config): Promise<Oracle> {
  const plan = await planLine(config);
  const chunker = createChunker(createTokenizer(await loadTokenizerModel(config.SLUICE_TOKENIZER)), plan.limits);
  const { instruction, fullDimension, storedDimension } = plan.space;
  const source = ({ id, text }: TestDocument): SourceDocument => ({ id, text, format: 'text', metadata: {} });
  const asked = (chunk: Chunk) => instruction + embeddedText(chunk);

  return {
    embeddings: (document) =>
      chunker.cut(source(document)).chunks.map((chunk) => ({ text: asked(chunk), tokens: totalTokens(chunk.tokens) })),

    async compare(store, collection, expected) {
      const findings: Findings = { documents: 0, rows: 0, lost: [], doubled: [], stale: [], orphans: [], wrong: [] };
      const known = new Map(expected.map((entry) => [documentKey({ line: config.SLUICE_LINE, id: entry.id }), entry]));
      for await (const page of store.auditRows(collection)) {
        findings.rows += page.rows.length;
        findings.doubled.push(...page.doubled);
        for (const row of page.rows) {
          const entry = known.get(row.id.slice(0, 21));
          if (entry === undefined || (entry.text === undefined && entry.dead !== true)) findings.orphans.push(row.id);
        }
      }
      const foreign = await store.countForeign(collection);
      if (foreign > 0) findings.orphans.push(`${foreign} rows with ids of another form`);
      const limit = pLimit(32);
      await Promise.all(
        [...known].map(([key, { id, text }]) =>
          limit(async () => {
            if (text === undefined) return;
            findings.documents += 1;
            judge({ id, text }, (await store.rowsOf(collection, key, { vectors: true })) as Judged[], findings);
          }),
        ),
      );
      return findings;
    },
  };

  function judge(document: TestDocument, rows: Judged[], { lost, stale, wrong }: Findings): void {
    const { id } = document;
    const { chunks } = chunker.cut(source(document));
    const hash = contentHash(source(document));
    const revision = rows.findLast((row) => row.doc_hash === hash)?.rev;
    for (const row of rows) {
      if (row.doc_hash !== hash || row.rev !== revision || row.ordinal >= chunks.length) stale.push(`${id} ${row.id}`);
    }
    for (const chunk of chunks) {
      const row = rows.find((one) => one.rev === revision && one.ordinal === chunk.ordinal);
      if (row === undefined) {
        lost.push(`${id} chunk ${chunk.ordinal}`);
      } else if (
        row.text !== chunk.text ||
        row.start !== chunk.start ||
        row.end !== chunk.end ||
        row.chunk_hash !== chunk.hash ||
        row.chunk_count !== chunks.length ||
        row.doc_id !== id ||
        !sameVector(row.vector, cutVector(nullVector(asked(chunk), fullDimension), storedDimension))
      ) {
        wrong.push(`${id} chunk ${chunk.ordinal}`);
      }
    }
  }
}

type Judged = StoredRow & { vector: Float32Array };

/** The wire carries float32: only its last bit may differ. */
function sameVector(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((value, i) => Math.abs(value - b[i]!) <= 1e-6);
}
