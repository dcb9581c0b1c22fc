/**
 * Reading a line. Readers get `whole` revisions only: between the commit of a newer revision and its settlement Milvus
 * holds rows of both. Where nothing is whole yet, rows of the current revision are given and marked `incomplete`.
 */
import { type DocumentKey, documentKey, parseChunkId, type Revision, SluiceError } from '@sluice/core';
import { cutVector, type Engine } from '@sluice/embedder';
import type { Ledger } from '@sluice/queue';
import type { Hit, StoredRow } from '@sluice/store';
import type { Line } from './open-line.ts';

export interface QueryHit {
  rank: number;
  /** Cosine similarity, -1 to 1. */
  score: number;
  docId: string;
  tenant?: string;
  revision: Revision;
  ordinal: number;
  start: number;
  end: number;
  heading: string[];
  text: string;
  /** The document has no whole revision yet. */
  incomplete?: true;
}

type Reading = Pick<Line, 'ledger' | 'store' | 'info'>;

/**
 * At most `k` hits, best first. More are fetched from Milvus, because rows of revisions that are not whole are dropped.
 * The query's tokens only set the engine's deadline; its characters bound them from above.
 */
export async function queryLine(
  line: Reading,
  engine: Engine,
  text: string,
  { k, tenant, signal }: { k: number; tenant?: string; signal?: AbortSignal },
): Promise<QueryHit[]> {
  const { vectors } = await engine.embed({
    texts: [text.normalize('NFC').trimEnd()],
    tokens: [text.length + 2],
    role: 'query',
    ...(signal && { signal }),
  });
  const full = vectors[0];
  if (full === null || full === undefined)
    throw new SluiceError('bad_vector', { message: 'The engine returned no finite vector for the query' });
  const vector = cutVector(full, line.info.space.storedDimension);
  for (let fetch = k * 2 + 10; ; fetch *= 4) {
    const found = await line.store.search(line.info.collection, vector, {
      k: Math.min(fetch, 16_384),
      ...(tenant !== undefined && { tenant }),
    });
    const readable = await readableOf(line.ledger, found);
    if (readable.length >= k || found.length < fetch || fetch >= 16_384) {
      return readable.slice(0, k).map(({ row, incomplete }, index) => toHit(row, index + 1, incomplete));
    }
  }
}

interface ReadableHit {
  row: Hit;
  incomplete: boolean;
}

async function readableOf(ledger: Ledger, hits: Hit[]): Promise<ReadableHit[]> {
  const keys = [...new Set(hits.map((hit) => parseChunkId(hit.id).key))];
  const states = new Map((await ledger.read(keys)).map((state, index) => [keys[index]!, state]));
  return hits.flatMap((row): ReadableHit[] => {
    const { key, revision } = parseChunkId(row.id);
    const state = states.get(key);
    if (state === undefined) return [];
    if (state.wholeRevision !== undefined) return state.wholeRevision === revision ? [{ row, incomplete: false }] : [];
    return state.currentRevision === revision && state.state !== 'deleted' ? [{ row, incomplete: true }] : [];
  });
}

function toHit(row: Hit, rank: number, incomplete: boolean): QueryHit {
  const { heading, tenant } = { heading: headingOf(row), tenant: row.tenant };
  return {
    rank,
    score: row.score,
    docId: row.doc_id,
    ...(tenant !== undefined && tenant !== '' && { tenant }),
    revision: row.rev,
    ordinal: row.ordinal,
    start: row.start,
    end: row.end,
    heading,
    text: row.text,
    ...(incomplete && { incomplete: true as const }),
  };
}

export function headingOf(row: { metadata: Record<string, unknown> }): string[] {
  const { heading } = row.metadata;
  return Array.isArray(heading) ? heading.filter((part): part is string => typeof part === 'string') : [];
}

export interface DocumentRows {
  key: DocumentKey;
  rows: StoredRow[];
  /** True when the rows are of a revision that is not whole. */
  incomplete: boolean;
}

/** The readable revision's rows, ordinals in order; with `all`, every row there is. Throws `unknown_document`. */
export async function rowsOfDocument(
  line: Reading & { name: string },
  { id, tenant, all = false, vectors = false }: { id: string; tenant?: string; all?: boolean; vectors?: boolean },
): Promise<DocumentRows> {
  const key = documentKey({ line: line.name, tenant, id });
  const [state] = await line.ledger.read([key]);
  if (state === undefined)
    throw new SluiceError('unknown_document', {
      message: `The line has no document "${id.slice(0, 200)}"`,
      where: `line ${line.name}`,
    });
  if (all) return { key, rows: await line.store.rowsOf(line.info.collection, key, { vectors }), incomplete: false };
  const revision = state.wholeRevision ?? (state.state === 'deleted' ? undefined : state.currentRevision);
  if (revision === undefined) return { key, rows: [], incomplete: false };
  return {
    key,
    rows: await line.store.rowsOf(line.info.collection, key, { revision, vectors }),
    incomplete: state.wholeRevision === undefined,
  };
}
