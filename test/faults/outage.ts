/**
 * An outage in the middle of work: documents are on their way when it begins, more are handed in while it lasts where that is
 * possible, and when it is over everything is stored, no attempt was counted and nothing is dead.
 */
import { readFileSync } from 'node:fs';
import { makeText, type TestDocument } from './documents.ts';
import type { LineBench } from './line-bench.ts';

export interface Outage {
  begin(bench: LineBench): Promise<void> | void;
  end(bench: LineBench): Promise<void> | void;
  /** Redis or Milvus is away: nothing can be handed in meanwhile. */
  noHandingIn?: boolean;
  /** The line's heartbeat says what it waits for; a code. */
  says?: RegExp;
}

export interface Outcome {
  /** From the end of the fault until everything accepted was stored. */
  recoveryMs?: number;
  /** Share of a core that the worker's process used during the outage. */
  cpuShare?: number;
  note?: string;
}

export interface Length {
  outageMs: number;
  /** In `npm test`: fewer documents, and the worker in this process. */
  short: boolean;
}

/** A worker that only waits may use so much of a core. */
const IDLE_CPU = 0.05;

export async function throughOutage(bench: LineBench, outage: Outage, { outageMs, short }: Length): Promise<Outcome> {
  const { engine, random } = bench;
  const count = short ? 8 : 40;
  const documents: TestDocument[] = [];
  const more = (name: string): TestDocument[] => {
    const made = Array.from({ length: count }, (_, i) => ({
      id: `${name}-${i}`,
      text: makeText(random, `${name}${i}`),
    }));
    documents.push(...made);
    return made;
  };
  const child = short ? undefined : await bench.workerProcess();
  const worker = short ? await bench.worker() : undefined;
  await bench.handIn(more('before'));
  await bench.settled();

  // The engine keeps the first request until the fault has begun, so that work is under way whatever it hits.
  const gate = Promise.withResolvers<undefined>();
  const met = Promise.withResolvers<void>();
  engine.become(() => {
    met.resolve();
    return gate.promise;
  });
  await bench.handIn(more('under-way'));
  await met.promise;
  engine.become(undefined);
  await outage.begin(bench);
  gate.resolve(undefined);
  const cpuBefore = child === undefined ? 0 : cpuSeconds(child.pid);
  const beganAt = performance.now();
  try {
    if (outage.noHandingIn !== true) await bench.handIn(more('meanwhile'));
    if (outage.says !== undefined) await lineSays(bench, outage.says);
    await pause(Math.max(0, outageMs - (performance.now() - beganAt)));
  } finally {
    await outage.end(bench);
  }
  const lastedS = (performance.now() - beganAt) / 1_000;
  const cpuShare = child === undefined ? undefined : (cpuSeconds(child.pid) - cpuBefore) / lastedS;

  const endedAt = performance.now();
  if (outage.noHandingIn === true) await bench.handIn(more('afterwards'));
  await Promise.race([bench.settled(), worker?.stopped.then(failed) ?? child!.exited.then(failed)]);
  const recoveryMs = performance.now() - endedAt;
  await bench.expectUntouched();
  await bench.expectStored(documents);
  if (cpuShare !== undefined && cpuShare > IDLE_CPU) {
    throw new Error(`the waiting worker used ${(cpuShare * 100).toFixed(1)} % of a core`);
  }
  return { recoveryMs, ...(cpuShare !== undefined && { cpuShare }) };
}

/** Resolves when the line says, with a heartbeat, that it waits for this. */
export async function lineSays({ ledger }: LineBench, words: RegExp): Promise<void> {
  let said: string | undefined;
  const until = performance.now() + 180_000;
  while (!words.test(said ?? '')) {
    if (performance.now() > until) throw new Error(`the line says ${said ?? 'nothing'}, expected ${words}`);
    await pause(50);
    said = await ledger.outage().catch(() => undefined);
  }
}

function failed(how: unknown): never {
  throw new Error('the worker ended', { cause: how });
}

/** User and system time of a process so far; fields 14 and 15 of its stat, in ticks of 10 ms. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
