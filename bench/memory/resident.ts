/** Resident memory of a process over time, as the kernel counts it. Linux alone. */
import { readFileSync } from 'node:fs';

export interface Watch {
  /** Looks no more. Pairs of seconds since the first look and resident MB. */
  stop(): [seconds: number, megabytes: number][];
}

const EVERY_MS = 500;

export function watchResident(pid: number): Watch {
  const startedAt = performance.now();
  const seen: [number, number][] = [];
  const look = () => {
    const megabytes = residentOf(pid);
    if (megabytes !== undefined) seen.push([(performance.now() - startedAt) / 1_000, megabytes]);
  };
  look();
  const timer = setInterval(look, EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      return seen;
    },
  };
}

/** Mean of a quarter of a course (0 to 3), by time. */
export function quarterMean(course: readonly [number, number][], quarter: number): number {
  const end = course.at(-1)?.[0] ?? 0;
  const part = course.filter(([at]) => at >= (end * quarter) / 4 && at <= (end * (quarter + 1)) / 4);
  return part.reduce((sum, [, value]) => sum + value, 0) / part.length;
}

function residentOf(pid: number): number | undefined {
  try {
    const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : (Number(kilobytes) * 1_024) / 1e6;
  } catch {
    return undefined;
  }
}
