/**
 * What is planned, weighed as the engine will see it. A plan adds up counts of units; where those are estimates (a cut inside a word, a
 * tokenizer whose counts do not add up) a chunk may be too large after all, or small enough to share.
 */
import { divide } from './divide.ts';
import type { Budget } from './pack.ts';
import { RUNT } from './plan.ts';
import type { Measure, Unit } from './unit.ts';

/** A chunk to be: its units, and what they are together. */
export interface Weighed {
  units: readonly Unit[];
  start: number;
  context: string;
  text: string;
  /** Of the embedded text, counted exactly. */
  tokens: number;
  bytes: number;
  load: number;
}

/** Every planned chunk that fits, and the halves of every one that does not. */
export function fitting(
  planned: readonly (readonly Unit[])[],
  weigh: (units: readonly Unit[]) => Weighed,
  fits: (part: Weighed) => boolean,
  measure: Measure,
): Weighed[] {
  const parts: Weighed[] = [];
  const add = (units: readonly Unit[]): void => {
    const part = weigh(units);
    const halves = fits(part) ? undefined : halve(units, measure);
    if (halves === undefined) parts.push(part);
    else for (const half of halves) add(half);
  };
  for (const units of planned) add(units);
  return parts;
}

function halve(part: readonly Unit[], measure: Measure): [Unit[], Unit[]] | undefined {
  const units = part.length > 1 ? part : divide(part[0]!, measure);
  if (units === undefined || units.length < 2) return undefined;
  const middle = units.length >> 1;
  return [units.slice(0, middle), units.slice(middle)];
}

/** Joins each runt with the part before it or behind it, where both are one chunk after all. */
export function joinRunts(
  parts: readonly Weighed[],
  weigh: (units: readonly Unit[]) => Weighed,
  { targetTokens, maxTokens }: Budget,
): Weighed[] {
  const runt = targetTokens * RUNT;
  const joined: Weighed[] = [];
  for (const part of parts) {
    const left = joined.at(-1);
    const together =
      left !== undefined && Math.min(left.load, part.load) < runt ? weigh([...left.units, ...part.units]) : undefined;
    if (together !== undefined && together.load <= maxTokens) joined[joined.length - 1] = together;
    else joined.push(part);
  }
  return joined;
}
