/** What a line could not have more of, by the cores that its processes used: the machine, one process's thread, or neither. */

/** Of what there is: the kernel's counters and the scheduler leave the rest to nobody. */
const FULL = 0.9;

/** `cores`: cores used, by kind of process; `workers` is the sum of so many. */
export function whatIsFull(
  cores: Readonly<Record<string, number>>,
  { workers, machine }: { workers: number; machine: number },
): string {
  const entries = Object.entries(cores).toSorted(([, a], [, b]) => b - a);
  const all = entries.reduce((sum, [, used]) => sum + used, 0);
  const shares = entries.map(([name, used]) => `${name} ${used.toFixed(2)}`).join(', ');
  if (all >= FULL * machine)
    return `the CPU is full, ${all.toFixed(2)} of ${machine} cores, most of it by ${entries[0]![0]} (${shares})`;
  // Redis computes in one thread, and a worker for the most part.
  if ((cores.valkey ?? 0) >= FULL) return `Redis is full, its one thread (${shares})`;
  if ((cores.workers ?? 0) >= FULL * workers) return `the workers' own threads are full (${shares})`;
  return `nothing is full, so answers are waited for: ${all.toFixed(2)} of ${machine} cores are used (${shares})`;
}
