/**
 * `sluice verify`: the collection against the ledger, while both may be at work.
 *
 * The collection is read in pages of ids and each document in it is judged by what the ledger knows; then every document of the
 * ledger without a row is judged. What looks wrong is read again between two looks at the ledger, and counts only if nothing
 * moved meanwhile; a document that keeps moving is counted as such. Memory does not grow with the line.
 *
 * Repair deletes only what this ledger itself has put behind it, and never what it does not know: a ledger that was lost must
 * not become a deletion. Text is in Milvus and in the sources alone, so rows that are missing or wrong are mended by having
 * their document count as changed: the next ingest of its source embeds what is not there.
 */
import { chunkId, type DocumentKey, parseChunkId, type Revision, type Space, spaceDifferences } from '@sluice/core';
import type { DocumentState } from '@sluice/queue';
import type { AuditRow, Row } from '@sluice/store';
import { type DocumentFault, type FaultKind, faultsOf } from './audit-document.ts';
import { deleteRevisions } from './delete-revisions.ts';
import { documentsOf, type SeenDocument } from './documents-of.ts';
import type { Line } from './open-line.ts';

/** `again`: mended when the document is handed in again. */
export type Mending = 'mended' | 'again' | 'left';

export interface Fault {
  kind: FaultKind;
  /** Absent where it concerns the whole line. */
  key?: DocumentKey;
  id?: string;
  tenant?: string;
  revision?: Revision;
  rows: number;
  /** What is wrong, where the kind does not say it. */
  detail?: string;
  /** Only with repair. */
  repair?: Mending;
}

export interface VerifySummary {
  line: string;
  /** Documents on record that ought to have rows, and rows seen. */
  documents: number;
  rows: number;
  /** Documents that changed all the while and were not judged. */
  moving: number;
  faults: Partial<Record<FaultKind, number>>;
  mended: number;
  /** Faults that are still there: `again` ones and those left. */
  left: number;
}

type Verified = Pick<Line, 'name' | 'info' | 'ledger' | 'store'>;

export interface VerifyOptions {
  /** The space of the configuration. */
  space: Space;
  repair: boolean;
  onFault(fault: Fault): void;
}

const GROUP = 100;
const LOOKS = 3;

type Seen = SeenDocument<AuditRow>;

export async function verifyLine(line: Verified, options: VerifyOptions): Promise<VerifySummary> {
  const { ledger, store, info } = line;
  const measure = { name: line.name, storedDimension: info.space.storedDimension };
  const summary: VerifySummary = { line: line.name, documents: 0, rows: 0, moving: 0, faults: {}, mended: 0, left: 0 };

  function report(fault: Fault): void {
    summary.faults[fault.kind] = (summary.faults[fault.kind] ?? 0) + 1;
    if (fault.repair === 'mended') summary.mended += 1;
    else summary.left += 1;
    options.onFault(fault);
  }

  const differences = spaceDifferences(info.space, options.space);
  const lineFault = (kind: FaultKind, rows: number, detail: string) =>
    report({ kind, rows, detail, ...(options.repair && { repair: 'left' }) });
  if (differences.length > 0) lineFault('wrong_fingerprint', 0, `the configuration: ${differences.join('; ')}`);
  const foreign = await store.countForeign(info.collection);
  if (foreign > 0) lineFault('orphan', foreign, 'ids that Sluice does not make');

  for await (const group of documentsOf(store.auditRows(info.collection), GROUP)) {
    summary.rows += group.reduce((sum, { rows }) => sum + rows.length, 0);
    await judge(group);
  }
  for await (const page of ledger.scan()) {
    const keys = page.filter(({ state }) => state !== 'deleted').map(({ key }) => key);
    summary.documents += keys.length;
    // A backlog whose chunks are all to come has no rows to look for.
    const states = await ledger.read(keys);
    const due = keys.filter((_, i) => states[i]?.wholeRevision !== undefined || (states[i]?.stored ?? 0) > 0);
    const named = await store.documentIds(info.collection, due);
    await judge(due.filter((key) => !named.has(key)).map((key) => ({ key, rows: [], doubled: [] })));
  }
  return summary;

  async function judge(group: readonly Seen[]): Promise<void> {
    const states = await ledger.read(group.map(({ key }) => key));
    for (const [index, seen] of group.entries()) {
      for (const id of seen.doubled) await onDoubled(id, seen);
      if (faultsOf(measure, states[index], seen.rows).length > 0) await judgeOne(seen.key);
    }
  }

  async function judgeOne(key: DocumentKey): Promise<void> {
    for (let look = 0; look < LOOKS; look += 1) {
      const [before] = await ledger.read([key]);
      const rows = (await store.rowsOf(info.collection, key, { vectors: true })) as AuditRow[];
      const faults = await withoutScheduled(key, faultsOf(measure, before, rows));
      const [after] = await ledger.read([key]);
      if (JSON.stringify(before) !== JSON.stringify(after)) continue;
      for (const fault of faults) {
        const repair = options.repair ? await mend(key, fault, before) : undefined;
        report({ ...nameOf(rows, before), ...toFault(key, fault), ...(repair !== undefined && { repair }) });
      }
      return;
    }
    summary.moving += 1;
  }

  /** Rows whose deletion is on record already are no fault. */
  async function withoutScheduled(key: DocumentKey, faults: DocumentFault[]): Promise<DocumentFault[]> {
    const scheduled = await ledger.cleaningScheduled(faults.map(({ revision }) => ({ key, revision })));
    return faults.filter(({ kind }, i) => !(scheduled[i] && (kind === 'stale_revision' || kind === 'orphan')));
  }

  async function mend(key: DocumentKey, fault: DocumentFault, state: DocumentState | undefined): Promise<Mending> {
    const { kind, revision } = fault;
    if (kind === 'stale_revision' || kind === 'orphan') {
      const [ours] = await ledger.drew([{ key, revision }]);
      if (!ours) return 'left';
      await deleteRevisions(line, [{ key, revision }]);
      return 'mended';
    }
    if (state?.state !== 'stored' || state.currentRevision !== revision) return 'left';
    const [distrusted] = await ledger.distrust([{ key, revision }]);
    return distrusted ? 'again' : 'left';
  }

  /** One upsert of the key replaces however many rows have it. */
  async function onDoubled(id: string, { key, rows }: Seen): Promise<void> {
    const { revision, ordinal } = parseChunkId(id);
    if (options.repair) {
      const stored = await store.rowsOf(info.collection, key, { revision, vectors: true });
      await store.upsert(info.collection, stored.filter((row) => row.id === id) as Row[]);
    }
    report({
      ...nameOf(rows, undefined),
      ...toFault(key, { kind: 'doubled', revision, ordinals: [ordinal] }),
      ...(options.repair && { repair: 'mended' }),
    });
  }
}

function toFault(key: DocumentKey, { kind, revision, ordinals }: DocumentFault): Fault {
  const first = chunkId(key, revision, ordinals[0] ?? 0);
  return { kind, key, revision, rows: ordinals.length, detail: `first ${first}` };
}

function nameOf(rows: readonly AuditRow[], state: DocumentState | undefined): Pick<Fault, 'id' | 'tenant'> {
  const id = rows[0]?.doc_id ?? state?.id;
  const tenant = rows[0]?.tenant ?? state?.tenant;
  return { ...(id !== undefined && { id }), ...(tenant !== undefined && { tenant }) };
}
