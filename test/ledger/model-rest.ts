/** When a schedule has come to rest: the store holds exactly the latest content, nothing is left over, and every count adds up. */
import { chunkId, revisionHex } from '@sluice/core';
import { hashOf, type World } from './world.ts';

/** What a model knows of a schedule that was played. */
interface Played {
  ids: readonly string[];
  /** Content by revision (hex) of what was committed; '' is a tombstone. */
  history(id: string): Map<string, string>;
  /** Runs that handed something in. */
  usedRuns: ReadonlySet<number>;
}

export async function checkRest(world: World, { ids, history, usedRuns }: Played): Promise<void> {
  const { ledger } = world;
  const fail = (message: string): never => {
    throw new Error(`at rest: ${message}`);
  };
  const expected = { stored: 0, partial: 0, deleted: 0, dead: 0 };
  for (const id of ids) {
    const state = await world.state(id);
    const [revision, content] = [...history(id)].sort(([a], [b]) => (a < b ? 1 : -1))[0] ?? [];
    if (revision === undefined) {
      if (state !== undefined) fail(`${id} was never accepted but is ${state.state}`);
      if (world.allRowsOf(id).length > 0) fail(`${id} was never accepted but has rows`);
      continue;
    }
    if (state === undefined) throw new Error(`at rest: ${id} is unknown`);
    if (revisionHex(state.currentRevision!) !== revision) fail(`${id}: another revision than the latest is current`);
    const want = new Set<string>();
    const whole = state.wholeRevision;
    if (content === '') {
      if (state.state !== 'deleted') fail(`${id} was deleted but is ${state.state}`);
      expected.deleted += 1;
    } else if (state.state === 'stored') {
      if (state.hash !== hashOf(content!)) fail(`${id} has another content than was handed in last`);
      if (whole !== state.currentRevision) fail(`${id} is stored but not whole`);
      expected.stored += 1;
    } else if (state.state === 'partial') {
      if (state.stored + state.dead !== state.chunkCount) fail(`${id} is partial with chunks waiting`);
      for (const ordinal of world.rowsOf(id, state.currentRevision!))
        want.add(chunkId(state.key, state.currentRevision!, ordinal));
      if (want.size < state.stored) fail(`${id}: stored chunks of a partial revision have no row`);
      expected.partial += 1;
      expected.dead += state.dead;
    } else {
      fail(`${id} is ${state.state} although nothing is under way`);
    }
    if (whole !== undefined) for (let i = 0; i < state.wholeChunkCount!; i += 1) want.add(chunkId(state.key, whole, i));
    const got = world.allRowsOf(id);
    if (got.length !== want.size || got.some((row) => !want.has(row)))
      fail(`${id}: rows ${got.join()} instead of ${[...want].join()}`);
  }
  const counts = await ledger.counts();
  for (const name of ['stored', 'partial', 'deleted'] as const) {
    if (counts[name] !== expected[name]) fail(`${counts[name]} ${name} instead of ${expected[name]}`);
  }
  for (const name of ['open', 'prepared', 'settling', 'cleaning', 'writeIntents'] as const) {
    if (counts[name] !== 0) fail(`${counts[name]} ${name} are left`);
  }
  if (counts.deadLetters !== expected.dead) fail(`${counts.deadLetters} dead letters for ${expected.dead} dead chunks`);
  if (expected.dead === 0 && counts.deadLetterBytes !== 0)
    fail(`${counts.deadLetterBytes} bytes of dead letters are left`);
  if ((await ledger.backlogTokens()) !== 0) fail(`a backlog of ${await ledger.backlogTokens()} tokens is left`);
  const shares = await ledger.shares();
  if (shares.length > 0) fail(`shares of the backlog are left: ${JSON.stringify(shares)}`);
  const open = (await world.redis.keys('*:open:*')).length;
  if (open > expected.partial) fail(`${open} documents have details that nothing needs`);
  for (const number of usedRuns) {
    const { documents, chunks } = await world.runs.counts(number);
    const { accepted, stored, superseded, partial, unsettled } = documents;
    if (unsettled !== 0 || accepted !== stored + superseded + partial)
      fail(`run ${number}: ${JSON.stringify(documents)}`);
    if (chunks.stored + chunks.dead > chunks.accepted || Object.values(chunks).some((count) => count < 0)) {
      fail(`run ${number}: ${JSON.stringify(chunks)}`);
    }
    if (superseded === 0 && chunks.stored + chunks.dead !== chunks.accepted)
      fail(`run ${number}: ${JSON.stringify(chunks)}`);
  }
}
