/**
 * Accepting documents: admitted, each with a revision drawn in the step that records the idempotency key, and in the submission
 * queue. Only then is the request answered, so that the order of answers is the order of revisions and nothing answered is
 * lost. A process that dies in between has answered nobody; the same request again finds the same revisions.
 */
import { createHash } from 'node:crypto';
import { contentHash, documentKey, type Revision, SluiceError, type SourceDocument } from '@sluice/core';
import type { Allowances, Priority } from '@sluice/queue';
import type { Caller } from './caller.ts';
import { refuseUnlessZero } from './limit-callers.ts';
import type { ServedLine } from './served-lines.ts';
import type { TokenMeter } from './token-meter.ts';

export interface Accepted {
  id: string;
  tenant?: string;
  revision: Revision;
  /** The idempotency key came before: this is the answer of then. */
  repeated: boolean;
  /** The document is stored as it is: the revision is that one, and nothing was drawn or enqueued. */
  unchanged: boolean;
}

export interface AcceptOptions {
  caller: Caller;
  allowances: Allowances;
  /** Asked only for keys with an allowance of tokens. */
  meter: TokenMeter;
  priority: Priority;
  idempotencyKey: string | undefined;
  /** There was room a moment ago, and the tokens are paid: whoever calls has waited for both. */
  admitted?: boolean;
  /** Called between the steps; a test ends the process there. */
  onStep?: ((step: AcceptStep) => void) | undefined;
}

/** Points at which a service may die. */
export type AcceptStep = 'received' | 'revision drawn' | 'enqueued';

/** Throws `rate_limited`, `backlog_full`, `ledger_full`, `ledger_lost`, `idempotency_conflict`, `duplicate_id`, `queue_*`. */
export async function acceptDocuments(
  {
    name,
    ledger,
    gate,
    submissions,
    proveLedger,
  }: Pick<ServedLine, 'name' | 'ledger' | 'gate' | 'submissions' | 'proveLedger'>,
  documents: readonly SourceDocument[],
  { caller, allowances, meter, priority, idempotencyKey, admitted = false, onStep = () => undefined }: AcceptOptions,
): Promise<Accepted[]> {
  onStep('received');
  if (!admitted) {
    const tenants = new Set(documents.map(({ tenant = '' }) => tenant));
    for (const tenant of tenants) await gate.admit({ priority, tenant });
    const { name: who, limits, keyId } = caller;
    if (keyId !== undefined && limits.tokens !== undefined) {
      const tokens = await meter.count(documents.map(({ text }) => text));
      refuseUnlessZero(await allowances.spend(keyId, limits, { tokens }), who);
    }
  }
  const submission = idempotencyKey === undefined ? undefined : submissionName(caller, idempotencyKey);
  const items = documents.map((document) => ({
    document,
    key: documentKey({ line: name, tenant: document.tenant, id: document.id }),
    hash: contentHash(document),
  }));
  // A ledger that was lost is noticed here; one that is lost from here on draws nothing.
  await proveLedger();
  const reserved = await ledger.reserve(
    items.map(({ document: { id, tenant }, key, hash }) => ({ key, id, tenant, hash, submission })),
  );
  onStep('revision drawn');
  const conflict = reserved.findIndex((answer) => answer.conflict);
  if (conflict !== -1) {
    throw new SluiceError('idempotency_conflict', {
      message: 'This idempotency key came before with other content',
      where: `document ${conflict}`,
    });
  }
  const changed = items.flatMap(({ document, key }, index) => {
    const { revision, unchanged } = reserved[index]!;
    return unchanged ? [] : [{ key, revision, submission: { ...document, priority } }];
  });
  // Nothing is answered that was drawn by a ledger which was lost since.
  await Promise.all([submissions.enqueue(changed), proveLedger()]);
  gate.accepted(changed.map(({ submission }) => submission));
  onStep('enqueued');
  return items.map(({ document: { id, tenant } }, index) => ({
    id,
    ...(tenant !== undefined && { tenant }),
    revision: reserved[index]!.revision,
    repeated: reserved[index]!.again,
    unchanged: reserved[index]!.unchanged,
  }));
}

/** Idempotency keys belong to the API key that sent them. Hashed, because they are of any length. */
function submissionName({ keyId = '' }: Caller, idempotencyKey: string): string {
  return createHash('sha256').update(`${keyId}\n${idempotencyKey}`).digest('base64url').slice(0, 22);
}
