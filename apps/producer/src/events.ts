/** What a run reports while it goes on. The command renders events; `--json` prints them as typed lines. */

import type { SluiceError } from '@sluice/core';
import type { ItemFault } from './source/item.ts';
import type { IngestSummary, RunCounters } from './summary.ts';

export type IngestEvent =
  | { type: 'start'; run: string; line: string; inputs: string[] }
  | { type: 'warning'; message: string }
  /** Something took over: a worker inside the command, a wait for the backlog. */
  | { type: 'note'; message: string }
  | ({ type: 'rejected' } & ItemFault)
  | ({ type: 'skipped' } & ItemFault)
  | { type: 'pruned'; id: string }
  /** A part of what was asked for is not done; the run goes on. */
  | { type: 'refused'; error: SluiceError }
  | ({
      type: 'progress';
      reading: boolean;
      seconds: number;
      tokensPerSecond: number;
      etaSeconds?: number;
      waitingFor?: string;
    } & RunCounters)
  | IngestSummary;

export type IngestListener = (event: IngestEvent) => void;
