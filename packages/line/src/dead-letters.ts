/**
 * Dead letters of a line: chosen by chunk, run, document or code; tried again on the same path as any other chunk, or given
 * up with their revision. What is chosen is collected first, because a worker changes the set while it is walked; its size is
 * bounded by the dead letters' share of Redis memory.
 */
import { parseChunkId, SluiceError } from '@sluice/core';
import type { ChunkJob, ChunkRef, DeadLetter, DeadLetterFilter } from '@sluice/queue';
import type { Line } from './open-line.ts';
import { isSubmissionName } from './rejected-submissions.ts';

export interface DeadSelection extends DeadLetterFilter {
  /** Chunk ids, and names of rejected submissions; none: everything that the filter lets through. */
  chunks?: readonly string[];
}

export type FullDeadLetter = DeadLetter & { job: ChunkJob };

type Dead = Pick<Line, 'ledger'>;

/** Letters in one call to the ledger. Each carries its text. */
const GROUP = 100;

/** Letters without text, oldest first within a shard. Throws `unknown_dead_letter` for a chunk that has none. */
export async function* findDead(line: Dead, selection: DeadSelection): AsyncGenerator<DeadLetter> {
  if (selection.chunks === undefined || selection.chunks.length === 0) yield* line.ledger.deadLetters(selection);
  else for (const name of selection.chunks) if (!isSubmissionName(name)) yield withoutJob(await deadLetter(line, name));
}

/** Letters with their jobs, for `export` alone: only there is a document's text shown. */
export async function* readDead(line: Dead, selection: DeadSelection): AsyncGenerator<FullDeadLetter> {
  for await (const { key, revision, ordinal } of findDead(line, selection)) {
    const letter = await line.ledger.deadLetter({ key, revision, ordinal });
    // Stored or overtaken meanwhile.
    if (letter !== undefined) yield letter;
  }
}

/** How many chunks wait again; `gone` ones are wanted no more. They stay listed until they have another outcome. */
export async function retryDead(
  line: Pick<Line, 'ledger' | 'queue'>,
  selection: DeadSelection,
): Promise<{ retried: number; gone: number }> {
  const refs = await collect(line, selection);
  let retried = 0;
  for (let from = 0; from < refs.length; from += GROUP) {
    const answers = await line.ledger.retry(refs.slice(from, from + GROUP));
    const places = new Map(answers.flatMap(({ job, priority }) => (job === undefined ? [] : [[job, priority]])));
    await line.queue.add([...places.keys()], { priorityOf: (job) => places.get(job)! });
    retried += places.size;
  }
  return { retried, gone: refs.length - retried };
}

export interface DroppedDead {
  /** Documents whose older revision is current again. */
  restored: number;
  /** Documents that had no older revision and are deleted now. */
  deleted: number;
  /** Revisions that nobody wanted any more. */
  gone: number;
}

/** Gives up the revisions that the chosen chunks belong to; their rows go when a worker runs. */
export async function dropDead(line: Dead, selection: DeadSelection): Promise<DroppedDead> {
  const revisions = new Map(
    (await collect(line, selection)).map(({ key, revision }) => [key + revision, { key, revision }]),
  );
  const dropped: DroppedDead = { restored: 0, deleted: 0, gone: 0 };
  const items = [...revisions.values()];
  for (let from = 0; from < items.length; from += GROUP) {
    for (const { answer } of await line.ledger.dropRevision(items.slice(from, from + GROUP))) dropped[answer] += 1;
  }
  return dropped;
}

async function collect(line: Dead, selection: DeadSelection): Promise<ChunkRef[]> {
  const refs: ChunkRef[] = [];
  for await (const { key, revision, ordinal } of findDead(line, selection)) refs.push({ key, revision, ordinal });
  return refs;
}

async function deadLetter(line: Dead, chunk: string): Promise<FullDeadLetter> {
  const known = /^d[0-9a-f]{38}$/.test(chunk) ? await line.ledger.deadLetter(parseChunkId(chunk)) : undefined;
  if (known !== undefined) return known;
  throw new SluiceError('unknown_dead_letter', {
    message: `There is no dead letter of the chunk ${JSON.stringify(chunk.slice(0, 60))}`,
  });
}

function withoutJob({ job, ...letter }: FullDeadLetter): DeadLetter {
  return letter;
}
