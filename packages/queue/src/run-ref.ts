/** A run is named by its id (`r7`, what people type and jobs carry) or its number (what the ledger keeps). */
import { SluiceError } from '@sluice/core';

export type RunRef = string | number;

export function runId(number: number): string {
  return `r${number}`;
}

/** Throws `unknown_run` for what cannot be one. */
export function runNumber(run: RunRef): number {
  if (typeof run === 'number') return run;
  const number = Number(/^r?(\d{1,15})$/.exec(run)?.[1] ?? Number.NaN);
  if (Number.isNaN(number)) {
    throw new SluiceError('unknown_run', { message: `There is no run ${JSON.stringify(run.slice(0, 40))}` });
  }
  return number;
}
