/** How long a killed worker's jobs wait for another worker, read from the queue: processed again, or not there any more. */
import { type LineAddress, type Redis, shardOf, shardTag } from '@sluice/queue';

/** Nobody had them in that time: a finding, however little of it servers answered. */
const LIMIT_MS = 600_000;
const LOOK_MS = 250;

/**
 * Milliseconds from `killedAtMs` (wall clock, the queue's own) until the last of these chunks was picked up, Infinity when one never was;
 * undefined when the worker had nothing in hand. A job that was there and is gone at the next look was picked up, and done, meanwhile.
 * Looks that fail (Redis is away) are repeated.
 */
export async function pickedUpAfter(
  redis: Redis,
  address: LineAddress,
  chunks: readonly string[],
  killedAtMs: number,
): Promise<number | undefined> {
  let waiting = chunks.map((chunk) => {
    const tag = shardTag(address, shardOf(chunk, address.shards));
    return `${tag}:chunks:${chunk}-0`;
  });
  if (waiting.length === 0) return undefined;
  let last = 0;
  const seen = new Set<string>();
  while (waiting.length > 0) {
    try {
      const answers = await Promise.all(waiting.map((job) => redis.hmget(job, 'timestamp', 'processedOn')));
      const now = Date.now();
      waiting = waiting.filter((_, i) => {
        const [timestamp, processedOn] = answers[i]!;
        if (timestamp === null) {
          // Gone at the first look: the worker had done it, and died before it said so.
          if (seen.has(waiting[i]!)) last = Math.max(last, now - killedAtMs);
          return false;
        }
        seen.add(waiting[i]!);
        if (Number(processedOn) <= killedAtMs) return true;
        last = Math.max(last, Number(processedOn) - killedAtMs);
        return false;
      });
      if (now - killedAtMs > LIMIT_MS) return Number.POSITIVE_INFINITY;
    } catch {
      // Asked again below.
    }
    if (waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return last;
}
