/**
 * Whether a process lives and whether it may be sent work.
 *
 * *Live* asks no dependency: a dependency in there would turn one outage into restarts of every process. It is false only when
 * work lies before the process and none of it was finished for long, although nothing is waited for. *Ready* asks every
 * dependency, each with a deadline; one answer is shared by all who ask within a second. A process that starts or drains is
 * not ready.
 */
import { type Clock, isSluiceError, systemClock } from '@sluice/core';

export interface Dependency {
  name: 'redis' | 'milvus' | 'engine';
  /** Resolves when it can be worked with; throws why not. */
  check(): Promise<void>;
}

export interface CheckResult {
  ok: boolean;
  ms: number;
  /** Error code of the failure, or `failed` for one that is not ours. Never its text. */
  code?: string;
}

export interface Readiness {
  ready: boolean;
  phase: Phase;
  checks: Record<string, CheckResult>;
}

export interface Liveness {
  live: boolean;
  reason?: string;
}

/** `starting` → `working` → `draining`; only a working process is ready. */
type Phase = 'starting' | 'working' | 'draining';

export interface Health {
  /** Ready from now on only when this can be worked with. */
  depend(dependency: Dependency): void;
  /** Live from now on only while this is undefined; else why the process does not progress although it should. */
  watch(stuck: () => string | undefined): void;
  enter(phase: Phase): void;
  live(): Liveness;
  ready(): Promise<Readiness>;
}

const SHARED_MS = 1_000;

export function createHealth({
  clock = systemClock,
  deadlineMs = 2_000,
}: {
  clock?: Clock;
  /** Of one check. */
  deadlineMs?: number;
} = {}): Health {
  const dependencies: Dependency[] = [];
  const watches: (() => string | undefined)[] = [];
  let phase: Phase = 'starting';
  let shared: { at: number; answer: Promise<Record<string, CheckResult>> } | undefined;

  async function checkOne({ check }: Dependency): Promise<CheckResult> {
    const startedAt = clock.monotonicMs();
    const giveUp = new AbortController();
    const ms = () => Math.round(clock.monotonicMs() - startedAt);
    try {
      const late = clock.sleep(deadlineMs, giveUp.signal).then(() => 'late' as const);
      const answer = await Promise.race([check(), late]);
      return answer === 'late' ? { ok: false, ms: ms(), code: 'timeout' } : { ok: true, ms: ms() };
    } catch (error) {
      return { ok: false, ms: ms(), code: isSluiceError(error) ? error.code : 'failed' };
    } finally {
      giveUp.abort();
    }
  }

  async function checkAll(): Promise<Record<string, CheckResult>> {
    const results = await Promise.all(dependencies.map(checkOne));
    return Object.fromEntries(dependencies.map(({ name }, i) => [name, results[i]!]));
  }

  return {
    depend(dependency) {
      dependencies.push(dependency);
      shared = undefined;
    },
    watch: (stuck) => void watches.push(stuck),
    enter(next) {
      phase = next;
    },
    live() {
      const reason = watches.map((stuck) => stuck()).find((found) => found !== undefined);
      return reason === undefined ? { live: true } : { live: false, reason };
    },
    async ready() {
      if (shared === undefined || clock.monotonicMs() - shared.at > SHARED_MS)
        shared = { at: clock.monotonicMs(), answer: checkAll() };
      const checks = await shared.answer;
      return { ready: phase === 'working' && Object.values(checks).every(({ ok }) => ok), phase, checks };
    },
  };
}
