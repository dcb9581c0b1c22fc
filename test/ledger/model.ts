/**
 * Schedules against a simple model. A schedule is a list of small steps of two producers, two workers, settlers, people and time,
 * in any order; every step can be the last of whoever made it. The model knows only which contents were committed and which
 * revisions were deleted or dropped. After every step readers must find what they had; when everything has come to rest, the
 * store must hold exactly the latest content, and every count must add up.
 *
 * Longer than a file should be, because the steps are one closure over what the model knows.
 */
import { chunkId, isSluiceError, revisionFromHex, revisionHex, revisionKey } from '@sluice/core';
import { type ChunkJob, chunkIdOf, jobId, type Redis, type ToClean, type ToSettle } from '@sluice/queue';
import fc from 'fast-check';
import { checkRest } from './model-rest.ts';
import { type Step, steps } from './model-steps.ts';
import { CUT, createWorld, type Handed, hashOf, type World } from './world.ts';

/** The first one much more often, so that revisions of one document meet. */
const IDS = ['one', 'two'];
const idOf = (b: number) => IDS[b === 0 ? 1 : 0]!;
const CONTENTS = ['A', 'B', 'C'];

interface InHand {
  job: ChunkJob;
  worker: number;
  name: string;
  stage: 'taken' | 'fenced' | 'written';
}

/** A submission: accepted with its revision, durable until it is committed. */
interface Booked {
  id: string;
  content: string;
  revision: string;
}

interface Deletion {
  what: 'settling' | 'cleaning';
  items: (ToSettle | ToClean)[];
  deleted: boolean;
}

/** Runs one schedule to its end and to rest. Throws where a promise is broken. */
async function playSchedule(redis: Redis, url: string, schedule: readonly Step[]): Promise<void> {
  await redis.flushall();
  const world = createWorld(url, { redis });
  const play = createPlay(world);
  await play.open();
  for (const [index, step] of schedule.entries()) {
    await play.step(step);
    await play.checkReaders(`after step ${index} (${step.kind})`);
  }
  await play.rest();
  await play.checkRest();
}

function createPlay(world: World) {
  const { ledger, rows } = world;
  const producers = [0, 1].map((number) => ({
    number,
    life: 0,
    handing: undefined as Handed | undefined,
    booked: undefined as Booked | undefined,
    in: 0,
  }));
  const lives = [0, 0];
  const hands: InHand[] = [];
  const late: ChunkJob[] = [];
  const deletions: Deletion[] = [];
  const reserved: Booked[] = [];
  const usedRuns = new Set<number>();
  let run = 0;
  /** By document: content by revision of what was committed; '' is a tombstone. */
  let committed = new Map<string, Map<string, string>>();
  /** Documents that readers must find. */
  let readable = new Set<string>();
  /** By document: content by revision of everything that a producer ever prepared: what rows may say of themselves. */
  const prepared = new Map(IDS.map((id) => [id, new Map<string, string>()]));
  /** Revisions that the ledger that is there gave away. */
  const drawn = new Set<string>();
  /** Redis has lost everything; while it is made again, the documents that are not on record yet. */
  let lost: { left: string[] | undefined } | undefined;

  const history = (id: string) => {
    const known = committed.get(id) ?? new Map<string, string>();
    committed.set(id, known);
    return known;
  };
  const pick = <T>(list: readonly T[], index: number): T | undefined => list[index % Math.max(1, list.length)];
  const producerName = (number: number) => `p${number}.${producers[number]!.life}`;

  async function handIn(number: number, id: string, content: string, booked?: Booked): Promise<void> {
    const producer = producers[number]!;
    if (producer.handing !== undefined) return;
    run += 1;
    if (booked === undefined) {
      const [answer] = await ledger.compare([{ key: world.key(id), hash: hashOf(content), cut: CUT, run, source: 1 }]);
      if (answer!.answer === 'unchanged') return;
    }
    producer.booked = booked;
    usedRuns.add(run);
    producer.handing = await world.handIn(id, content, {
      n: 1 + CONTENTS.indexOf(content),
      run,
      source: 1,
      producer: producerName(number),
      until: 'prepared',
      ...(booked !== undefined && { revision: booked.revision }),
    });
    if (lost !== undefined) throw new Error(`${id} was handed in to a ledger that is lost`);
    prepared.get(id)!.set(revisionHex(producer.handing.revision), content);
    drawn.add(producer.handing.revision);
    producer.in = 0;
    if (producer.handing.overtaken) {
      producer.handing = undefined;
      return;
    }
    const latest = [...history(id).keys()].sort().at(-1) ?? '';
    if (booked === undefined && revisionHex(producer.handing.revision) < latest) {
      throw new Error(`${id} was handed in under a revision that is overtaken already`);
    }
  }

  async function commit(number: number): Promise<void> {
    const producer = producers[number]!;
    const handing = producer.handing;
    if (handing === undefined || producer.in < handing.missing.length) return;
    const answer = await world.commit(handing);
    if (answer === 'current') history(handing.id).set(revisionHex(handing.revision), handing.content);
    if (answer === 'unknown') refuseIfDrawn(handing.revision, 'a commit');
    producer.handing = undefined;
  }

  /** What is unknown was given away by a ledger that is gone: whoever has it stops, and deletes nothing. */
  function refuseIfDrawn(revision: string, what: string): void {
    if (drawn.has(revision)) throw new Error(`${what} is unknown to a ledger that lost nothing`);
  }

  async function workerDies(number: number): Promise<void> {
    for (const hand of hands.filter(({ worker }) => worker === number)) {
      world.jobs.push(hand.job);
      // A request that was sent may land after its client died.
      if (hand.stage === 'fenced') late.push(hand.job);
      hands.splice(hands.indexOf(hand), 1);
    }
    lives[number]! += 1;
  }

  async function advanceHand(hand: InHand): Promise<void> {
    const drop = () => hands.splice(hands.indexOf(hand), 1);
    if (hand.stage === 'taken') {
      const { answer } = await world.fence(hand.job, hand.name);
      if (answer === 'unknown') refuseIfDrawn(hand.job.revision, 'a chunk');
      else if (lost !== undefined) throw new Error(`a chunk is ${answer} to a ledger that is lost`);
      if (answer === 'overtaken') rows.delete(chunkIdOf(hand.job));
      if (answer === 'current' || answer === 'prepared') hand.stage = 'fenced';
      else drop();
    } else if (hand.stage === 'fenced') {
      world.write(hand.job);
      hand.stage = 'written';
    } else {
      if ((await world.mark(hand.job, hand.name)) === 'unknown') refuseIfDrawn(hand.job.revision, 'a mark');
      drop();
    }
  }

  async function deletedByPeople(id: string): Promise<void> {
    const before = await world.state(id);
    const [answer] = await ledger.remove([{ key: world.key(id) }]);
    const known = before !== undefined;
    if ((answer!.answer === 'unknown') === known) throw new Error(`a delete of ${id} was ${answer!.answer}`);
    const there = before !== undefined && (before.state !== 'deleted' || before.preparedRevisions.length > 0);
    if (there && answer!.answer !== 'deleted') throw new Error(`a delete of ${id} did nothing`);
    if (answer!.answer === 'deleted') {
      history(id).set(revisionHex(answer!.revision), '');
      readable.delete(id);
    }
  }

  async function dropped(id: string): Promise<void> {
    const state = await world.state(id);
    if (state?.state !== 'partial') return;
    const [answer] = await ledger.dropRevision([{ key: state.key, revision: state.currentRevision! }]);
    if (answer!.answer === 'gone') throw new Error('a partial revision could not be dropped');
    for (const revision of history(id).keys()) {
      if (revision > revisionHex(answer!.revision) || answer!.answer === 'deleted') history(id).delete(revision);
    }
    if (answer!.answer === 'deleted') history(id).set(revisionHex(answer!.revision), '');
  }

  async function letters(): Promise<ChunkJob[]> {
    const found: ChunkJob[] = [];
    for await (const letter of ledger.deadLetters()) found.push((await ledger.deadLetter(letter))!.job);
    return found;
  }

  /** Everything in Redis is gone; who has something in hand goes on. Once more, and it is to be made again from the beginning. */
  async function loseRedis(): Promise<void> {
    await world.redis.flushall();
    for (const queue of [reserved, world.jobs]) queue.length = 0;
    world.failed.clear();
    usedRuns.clear();
    drawn.clear();
    committed = new Map();
    readable = new Set();
    lost = { left: undefined };
  }

  /**
   * One step of making the ledger again. Workers are stopped first, with their requests landed or not; then one document after
   * another is on record, the rest of its rows is deleted; at last the ledger is born and processes are started on it. Producers
   * go on all the while.
   */
  async function reconcile(landed: boolean): Promise<void> {
    if (lost === undefined) return;
    if ((await ledger.births()).some((birth) => birth !== undefined)) throw new Error('a lost ledger was begun anew');
    if (lost.left === undefined) {
      for (const { stage, job } of hands.splice(0)) if (stage === 'fenced' && landed) world.write(job);
      for (const job of late.splice(0)) world.write(job);
      deletions.length = 0;
      lost.left = [...IDS];
      return;
    }
    const id = lost.left.pop();
    if (id !== undefined) return adopt(id);
    world.jobs.length = 0;
    const highest = [...rows]
      .map((row) => row.slice(21, 34))
      .sort()
      .at(-1);
    await ledger.begin(highest === undefined ? '0' : revisionFromHex(highest));
    lost = undefined;
    await open();
  }

  async function adopt(id: string): Promise<void> {
    const complete = [...prepared.get(id)!]
      .filter(([revision, content]) => ordinals(id, revision).length === 1 + CONTENTS.indexOf(content))
      .sort(([a], [b]) => (a < b ? 1 : -1))[0];
    for (const row of world.allRowsOf(id))
      if (complete === undefined || row.slice(21, 34) !== complete[0]) rows.delete(row);
    if (complete === undefined) return;
    const [revision, content] = complete;
    const [adopted] = await ledger.adopt([
      {
        key: world.key(id),
        revision: revisionFromHex(revision),
        hash: hashOf(content),
        cut: CUT,
        chunkCount: 1 + CONTENTS.indexOf(content),
        source: 1,
      },
    ]);
    if (!adopted) throw new Error('a whole revision was not adopted by an empty ledger');
    history(id).set(revision, content);
  }

  /** Processes start: they are tied to the ledger that is there. */
  async function open(): Promise<void> {
    await ledger.begin();
    ledger.holdTo((await ledger.births()) as string[]);
  }

  function ordinals(id: string, revision: string): string[] {
    return world.allRowsOf(id).filter((row) => row.slice(21, 34) === revision);
  }

  async function step(step: Step): Promise<void> {
    try {
      await act(step);
    } catch (error) {
      if (lost === undefined || !isSluiceError(error) || error.code !== 'ledger_lost') throw error;
    }
  }

  async function act({ kind, a, b }: Step): Promise<void> {
    switch (kind) {
      case 'hand in': {
        if (producers[a % 2]!.handing !== undefined) return;
        const booked = b >= 4 ? reserved.pop() : undefined;
        return handIn(a % 2, booked?.id ?? idOf(b), booked?.content ?? pick(CONTENTS, a)!, booked);
      }
      case 'enqueue': {
        const producer = producers[a % 2]!;
        if (producer.handing === undefined) return;
        world.enqueue({
          ...producer.handing,
          missing: producer.handing.missing.slice(producer.in, producer.in + 1 + (b % 2)),
        });
        producer.in = Math.min(producer.handing.missing.length, producer.in + 1 + (b % 2));
        return;
      }
      case 'commit':
        return commit(a % 2);
      case 'hand in, enqueue, commit': {
        const producer = producers[a % 2]!;
        await handIn(a % 2, idOf(b), pick(CONTENTS, a)!);
        if (producer.handing === undefined) return;
        world.enqueue({ ...producer.handing, missing: producer.handing.missing.slice(producer.in) });
        producer.in = producer.handing.missing.length;
        return commit(a % 2);
      }
      case 'work off':
        for (let left = 1 + a; left > 0 && world.jobs.length > 0; left -= 1)
          await world.work(world.jobs.shift()!, 'steady');
        return;
      case 'work off, one dies': {
        const [job] = world.jobs.splice(b % Math.max(1, world.jobs.length), 1);
        if (job === undefined) return;
        if ((await world.die(job, 'steady')) === 'dead') world.failed.add(jobId(job));
        for (let left = a; left > 0 && world.jobs.length > 0; left -= 1)
          await world.work(world.jobs.shift()!, 'steady');
        return;
      }
      case 'settle':
        return world.settle();
      case 'producer dies': {
        const producer = producers[a % 2]!;
        if (b % 2 === 0) await ledger.leave(producerName(a % 2));
        if (producer.handing !== undefined && producer.booked !== undefined) reserved.push(producer.booked);
        producer.handing = undefined;
        producer.life += 1;
        return;
      }
      case 'reserve': {
        const id = idOf(a);
        const content = pick(CONTENTS, b)!;
        const [answer] = await ledger.reserve([{ key: world.key(id), id, hash: hashOf(content) }]);
        if (!answer!.unchanged) reserved.push({ id, content, revision: answer!.revision });
        return;
      }
      case 'service dies':
        // Between the revision and the queue: nobody was answered.
        reserved.pop();
        return;
      case 'delete':
        return deletedByPeople(idOf(a));
      case 'take': {
        if (lost?.left !== undefined) return;
        const [job] = world.jobs.splice(b % Math.max(1, world.jobs.length), 1);
        if (job === undefined) return;
        const worker = a % 2;
        // A worker has a chunk in hand once at a time.
        if (hands.some((hand) => hand.worker === worker && chunkIdOf(hand.job) === chunkIdOf(job)))
          world.jobs.push(job);
        else hands.push({ job, worker, name: `w${worker}.${lives[worker]}`, stage: 'taken' });
        return;
      }
      case 'step': {
        const hand = pick(hands, a);
        return hand && advanceHand(hand);
      }
      case 'lock lost': {
        const hand = pick(hands, a);
        if (hand !== undefined) world.jobs.push(hand.job);
        return;
      }
      case 'worker dies':
        return workerDies(a % 2);
      case 'late write': {
        const job = late.shift();
        if (job !== undefined) world.write(job);
        return;
      }
      case 'chunk dies': {
        const hand = pick(
          hands.filter(({ stage }) => stage === 'fenced'),
          a,
        );
        if (hand === undefined) return;
        if ((await world.die(hand.job, hand.name)) === 'dead') world.failed.add(jobId(hand.job));
        hands.splice(hands.indexOf(hand), 1);
        return;
      }
      case 'take settling':
        deletions.push({ what: 'settling', items: await ledger.takeSettling(1 + (a % 2)), deleted: false });
        return;
      case 'take cleaning':
        deletions.push({ what: 'cleaning', items: await ledger.takeCleaning(1 + (a % 2)), deleted: false });
        return;
      case 'delete rows': {
        const deletion = pick(deletions, a);
        if (deletion !== undefined) deleteRows(deletion);
        return;
      }
      case 'report deleted': {
        const deletion = pick(
          deletions.filter(({ deleted }) => deleted),
          a,
        );
        if (deletion === undefined) return;
        deletions.splice(deletions.indexOf(deletion), 1);
        await (deletion.what === 'settling' ? ledger.settled(deletion.items) : ledger.cleaned(deletion.items));
        return;
      }
      case 'retry':
      case 'retry, then die': {
        const job = pick(await letters(), a);
        if (job === undefined) return;
        const [again] = await ledger.retry([job]);
        if (kind === 'retry' && again!.job !== undefined) world.add(again!.job);
        return;
      }
      case 'drop':
        return dropped(idOf(a));
      case 'seconds pass':
        return world.advance(31_000);
      case 'minutes pass':
        return world.advance(601_000);
      case 'abandon':
        await ledger.abandonStale();
        return;
      case 'sweep': {
        // Workers that live beat; those that died do not.
        await ledger.workerBeat('steady', { host: 'h', pid: 1, held: 0 });
        for (const [number, life] of lives.entries()) {
          await ledger.workerBeat(`w${number}.${life}`, { host: 'h', pid: 1, held: 0 });
        }
        await world.sweep();
        return;
      }
      case 'redis is lost':
        return loseRedis();
      case 'reconcile':
        return reconcile(b % 2 === 0);
    }
  }

  function deleteRows(deletion: Deletion): void {
    for (const { key, revision } of deletion.items) {
      const [from, to] =
        deletion.what === 'settling'
          ? [key, revisionKey(key, revision)]
          : [revisionKey(key, revision), `${revisionKey(key, revision)}g`];
      for (const row of rows) if (row >= from && row < to) rows.delete(row);
    }
    deletion.deleted = true;
  }

  /** no-hole: what the ledger calls whole is there, and a document that readers had is readable until it is deleted. */
  async function checkReaders(when: string): Promise<void> {
    const states = await ledger.read(IDS.map((id) => world.key(id)));
    for (const [index, id] of IDS.entries()) {
      const state = states[index];
      if (state?.wholeRevision === undefined) {
        if (readable.has(id)) throw new Error(`${when}: readers lost ${id}`);
        continue;
      }
      readable.add(id);
      for (let ordinal = 0; ordinal < state.wholeChunkCount!; ordinal += 1) {
        if (!rows.has(chunkId(state.key, state.wholeRevision, ordinal))) {
          throw new Error(`${when}: row ${ordinal} of the whole revision ${state.wholeRevision} of ${id} is missing`);
        }
      }
    }
    if ((await ledger.backlogTokens()) < 0) throw new Error(`${when}: the backlog is negative`);
  }

  /** Everybody finishes or dies; the queue is worked off; settlers, sweepers and time do the rest. */
  async function rest(): Promise<void> {
    while (lost !== undefined) await reconcile(true);
    const [first, second] = producers as [(typeof producers)[0], (typeof producers)[0]];
    if (second.handing !== undefined && second.booked !== undefined) reserved.push(second.booked);
    await finishHandIn();
    for (const booked of reserved.splice(0)) {
      await handIn(0, booked.id, booked.content, booked);
      await finishHandIn();
    }
    async function finishHandIn(): Promise<void> {
      if (first.handing === undefined) return;
      world.enqueue({ ...first.handing, missing: first.handing.missing.slice(first.in) });
      first.in = first.handing.missing.length;
      await commit(0);
    }
    // Zombies: their jobs went to others, they go on with what they hold.
    for (const hand of [...hands]) {
      world.jobs.push(hand.job);
      while (hands.includes(hand)) await advanceHand(hand);
    }
    world.advance(700_000);
    await ledger.abandonStale();
    for (let round = 0; round < 3; round += 1) {
      await world.workAll('last');
      for (const { job } of await ledger.retryStranded()) world.add(job);
      for (const deletion of deletions.splice(0)) deleteRows(deletion);
      world.advance(31_000);
      await world.settle();
    }
    // Requests of dead workers land: some now, some after the first sweep.
    const landsNow = late.splice(0, Math.ceil(late.length / 2));
    for (const job of landsNow) world.write(job);
    for (const ms of [70_000, 3_700_000, 90_000_000, 3_700_000]) {
      world.advance(ms);
      await world.sweep();
      for (const job of late.splice(0)) world.write(job);
    }
    // What a service drew and never enqueued is given up after two days.
    world.advance(90_000_000);
    await ledger.abandonStale();
    await world.settle();
  }

  return { open, step, checkReaders, rest, checkRest: () => checkRest(world, { ids: IDS, history, usedRuns }) };
}

/** The property, for the test suite and for long runs. The seed is printed with a counterexample, which is shrunk. */
export async function checkSchedules(
  redis: Redis,
  url: string,
  { schedules, seed }: { schedules: number; seed?: number },
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(steps, (schedule) => playSchedule(redis, url, schedule)),
    { numRuns: schedules, ...(seed !== undefined && { seed }), endOnFailure: false },
  );
}
