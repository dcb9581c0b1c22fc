/**
 * What is wrong with the rows of one document, given what the ledger knows of it. Pure: whoever calls has read both while
 * nothing moved.
 */
import { documentKey, parseChunkId, type Revision, revisionHex } from '@sluice/core';
import type { DocumentState } from '@sluice/queue';
import type { AuditRow } from '@sluice/store';

export type FaultKind =
  /** Chunks that the ledger has as stored and the collection does not hold. */
  | 'missing'
  /** A key that is stored more than once. */
  | 'doubled'
  /** Rows of a revision that is neither readable nor on its way. */
  | 'stale_revision'
  /** Rows of a document that the ledger does not know, or has as deleted. */
  | 'orphan'
  | 'wrong_dimension'
  | 'wrong_norm'
  /** The row says another document, revision, content or chunk count than its key and the ledger. */
  | 'wrong_fingerprint';

export interface DocumentFault {
  kind: FaultKind;
  revision: Revision;
  ordinals: number[];
}

/** As far as float32 keeps a unit length; a vector that was never normalised is farther off. */
const NORM_TOLERANCE = 1e-3;
/** What `distrust` leaves of a content hash. */
const DISTRUSTED = /^-+$/;

interface Expected {
  chunkCount: number;
  hash: string | undefined;
  /** Every ordinal must be there; otherwise so many. */
  whole: boolean;
  atLeast: number;
}

export function faultsOf(
  line: { name: string; storedDimension: number },
  state: DocumentState | undefined,
  rows: readonly AuditRow[],
): DocumentFault[] {
  const expected = expectedOf(state);
  const byRevision = Map.groupBy(rows, (row) => parseChunkId(row.id).revision);
  const faults: DocumentFault[] = [];
  for (const [revision, found] of byRevision) {
    const ordinals = found.map((row) => parseChunkId(row.id).ordinal);
    const want = expected.get(revision);
    if (want === undefined) {
      if (isAwaited(state, revision)) continue;
      const known = state !== undefined && state.state !== 'deleted';
      faults.push({ kind: known ? 'stale_revision' : 'orphan', revision, ordinals });
      continue;
    }
    const add = (kind: FaultKind, wrong: (row: AuditRow) => boolean) => {
      const those = found.filter(wrong).map((row) => parseChunkId(row.id).ordinal);
      if (those.length > 0) faults.push({ kind, revision, ordinals: those });
    };
    add('wrong_dimension', ({ vector }) => vector.length !== line.storedDimension);
    add('wrong_norm', ({ vector }) => !(Math.abs(normOf(vector) - 1) < NORM_TOLERANCE));
    add('wrong_fingerprint', (row) => !agrees(line.name, row, want));
  }
  for (const [revision, want] of expected) {
    const there = new Set((byRevision.get(revision) ?? []).map((row) => parseChunkId(row.id).ordinal));
    const absent = Array.from({ length: want.chunkCount }, (_, ordinal) => ordinal).filter((o) => !there.has(o));
    // Which chunks of an unfinished revision are stored is not asked; how many are is known.
    const missing = want.whole ? absent : absent.slice(0, Math.max(0, want.atLeast - there.size));
    if (missing.length > 0) faults.push({ kind: 'missing', revision, ordinals: missing });
  }
  return faults;
}

/** The revisions that may have rows: what readers get, what is accepted, what is prepared. */
function expectedOf(state: DocumentState | undefined): Map<Revision, Expected> {
  const expected = new Map<Revision, Expected>();
  if (state === undefined) return expected;
  for (const revision of state.preparedRevisions) {
    expected.set(revision, { chunkCount: 0, hash: undefined, whole: false, atLeast: 0 });
  }
  const { currentRevision, wholeRevision, chunkCount, hash } = state;
  if (currentRevision !== undefined && state.state !== 'deleted') {
    expected.set(currentRevision, { chunkCount, hash, whole: state.state === 'stored', atLeast: state.stored });
  }
  if (wholeRevision !== undefined) {
    expected.set(wholeRevision, {
      chunkCount: state.wholeChunkCount!,
      hash: state.wholeHash,
      whole: true,
      atLeast: state.wholeChunkCount!,
    });
  }
  return expected;
}

/** Its rows are to go, and a settlement under way will see to it. */
function isAwaited(state: DocumentState | undefined, revision: Revision): boolean {
  return (
    state?.settling === true &&
    state.currentRevision !== undefined &&
    revisionHex(revision) < revisionHex(state.currentRevision)
  );
}

function normOf(vector: Float32Array): number {
  let squares = 0;
  for (const value of vector) squares += value * value;
  return Math.sqrt(squares);
}

function agrees(line: string, row: AuditRow, want: Expected): boolean {
  const { key, revision, ordinal } = parseChunkId(row.id);
  if (documentKey({ line, tenant: row.tenant, id: row.doc_id }) !== key) return false;
  if (row.rev !== revision || row.ordinal !== ordinal) return false;
  if (want.chunkCount > 0 && row.chunk_count !== want.chunkCount) return false;
  return want.hash === undefined || DISTRUSTED.test(want.hash) || row.doc_hash === want.hash;
}
