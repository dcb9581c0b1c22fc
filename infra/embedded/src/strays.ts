/**
 * Servers that a crash left behind. Only a process that is the very one recorded (pid and start time) is touched, and only
 * while the home's lock is held, so nobody else uses it.
 */
import { type Clock, type Logger, systemClock } from '@sluice/core';
import { isSameProcess } from './process-identity.mjs';
import type { ServerRecord } from './stack-state.ts';
import { signalGroup } from './supervised-server.ts';

const STOP_TIMEOUT_MS = 12_000;

export async function endStrays(
  servers: readonly ServerRecord[],
  { logger, clock = systemClock }: { logger: Logger; clock?: Clock },
): Promise<void> {
  const alive = servers.filter(isSameProcess);
  for (const { name, pid } of alive) {
    logger.warn({ server: name, pid }, 'server of an earlier run is still there, stopping it');
    signalGroup(pid, 'SIGTERM');
  }
  const deadline = clock.monotonicMs() + STOP_TIMEOUT_MS;
  while (alive.some(isSameProcess) && clock.monotonicMs() < deadline) await clock.sleep(100);
  for (const record of alive.filter(isSameProcess)) signalGroup(record.pid, 'SIGKILL');
  while (alive.some(isSameProcess)) await clock.sleep(20);
}
