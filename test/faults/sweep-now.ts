/** What a live worker's housekeeping does once it takes a dead one for lost, a minute after its last heartbeat: now. */
import { chunkId } from '@sluice/core';
import { type Ledger, openLedger, type Redis, type ToSweep } from '@sluice/queue';
import type { LineInfo, Store } from '@sluice/store';

export interface Swept {
  redis: Redis;
  ledger: Ledger;
  store: Store;
  info: LineInfo;
}

/** A write intent is called `<chunk id>:<worker>`. */
const MEMBER_WORKER = 40;

/** Overtaken chunks that a worker may have written which is not among the living. */
export async function lostIntents(
  { redis, ledger }: Pick<Swept, 'redis' | 'ledger'>,
  living: ReadonlySet<string | undefined>,
): Promise<ToSweep[]> {
  const found = await openLedger(redis, ledger.address, { workerLostMs: 0 }).takeSweep();
  return found.filter(({ member }) => !living.has(member.slice(MEMBER_WORKER)));
}

export async function sweepNow(line: Swept, living: ReadonlySet<string | undefined>): Promise<void> {
  const lost = await lostIntents(line, living);
  if (lost.length === 0) return;
  await line.store.deleteKeys(
    line.info.collection,
    lost.map(({ key, revision, ordinal }) => chunkId(key, revision, ordinal)),
  );
  await line.ledger.swept(lost);
}
