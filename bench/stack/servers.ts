/** The servers under a benchmark: its own, or those that the short run of all started for every one of them. */
import { join } from 'node:path';
import { silentLogger } from '@sluice/core';
import { readStack, type StackState, startStack } from '@sluice/embedded';

const SHARED_HOME = 'BENCH_STACK_HOME';

export interface Servers {
  home: string;
  state: StackState;
  stop(): Promise<void>;
}

export async function startServers(home: string): Promise<Servers> {
  const { state, stop } = await startStack({
    home,
    programs: join(import.meta.dirname, '../../.sluice'),
    needs: { queue: true, store: true },
    logger: silentLogger,
    stopTimeoutMs: 500,
  });
  return { home, state, stop };
}

/** Environment of benchmarks that are to use these. */
export const sharedBy = ({ home }: Servers): Record<string, string> => ({ [SHARED_HOME]: home });

/** What stopping them means is up to whoever started them. */
export async function sharedServers(): Promise<Servers | undefined> {
  const home = process.env[SHARED_HOME];
  const state = home === undefined ? undefined : await readStack(home);
  return home === undefined || state === undefined ? undefined : { home, state, stop: async () => undefined };
}
