/**
 * From a document's units to its chunks.
 *
 * Sections first: a section that is large enough for a chunk is cut by itself, whatever surrounds it, so an edit in one section
 * leaves the chunks of the others as they were. Runs of small sections between them are packed together (pack.ts). What
 * then is smaller than the target joins the neighbour it is closest to, if both fit; a runt that fits nowhere is evened out
 * with its neighbour.
 */
import { strength } from './outline.ts';
import { type Budget, isWhole, loadOf, pack } from './pack.ts';
import { packSmallSections } from './small-sections.ts';
import type { Measure, Unit } from './unit.ts';

/** A chunk smaller than this part of the target is a runt. */
export const RUNT = 0.25;
/** Boundaries of this strength or more are headings. */
const HEADING = headingLeast();

export function planChunks(units: readonly Unit[], measure: Measure, budget: Budget): Unit[][] {
  if (units.length === 0) return [];
  const chunks = cutSection(units, measure, budget);
  return evenOut(join(chunks, budget), measure, budget);
}

function cutSection(units: readonly Unit[], measure: Measure, budget: Budget): Unit[][] {
  if (isWhole(loadOf(units, budget), budget)) return [[...units]];
  const strongest = units.reduce((most, { before }, at) => (at === 0 ? most : Math.max(most, before)), 0);
  if (strongest < HEADING) return pack(units, measure, budget);

  const chunks: Unit[][] = [];
  let run: Unit[][] = [];
  const flush = () => {
    if (run.length > 0) chunks.push(...packSmallSections(run, measure, budget));
    run = [];
  };
  for (let start = 0; start < units.length; ) {
    let end = start + 1;
    while (end < units.length && units[end]!.before < strongest) end++;
    const section = units.slice(start, end);
    if (loadOf(section, budget) >= budget.targetTokens) {
      flush();
      chunks.push(...cutSection(section, measure, budget));
    } else {
      run.push(section);
    }
    start = end;
  }
  flush();
  return chunks;
}

/** Joins what is under the target with a neighbour, weakest boundary first, then from the start. */
function join(chunks: Unit[][], budget: Budget): Unit[][] {
  const strengths = [...new Set(chunks.slice(1).map((chunk) => chunk[0]!.before))].sort((a, b) => a - b);
  let parts = chunks.map((units) => ({ units, load: loadOf(units, budget) }));
  for (const weakest of strengths) {
    const joined: typeof parts = [];
    for (const part of parts) {
      const left = joined.at(-1);
      if (
        left !== undefined &&
        part.units[0]!.before === weakest &&
        Math.min(left.load, part.load) < budget.targetTokens &&
        left.load + part.load <= budget.maxTokens + budget.contextTokens(part.units[0]!)
      ) {
        const units = [...left.units, ...part.units];
        const load = loadOf(units, budget);
        if (load <= budget.maxTokens) {
          joined[joined.length - 1] = { units, load };
          continue;
        }
      }
      joined.push(part);
    }
    parts = joined;
  }
  return parts.map(({ units }) => units);
}

/** Cuts a runt and its neighbour anew, as two halves. */
function evenOut(chunks: Unit[][], measure: Measure, budget: Budget): Unit[][] {
  for (let at = 0; at < chunks.length && chunks.length > 1; at++) {
    if (loadOf(chunks[at]!, budget) >= budget.targetTokens * RUNT) continue;
    const right = chunks[at + 1]?.[0]?.before ?? Number.POSITIVE_INFINITY;
    const left = at > 0 ? chunks[at]![0]!.before : Number.POSITIVE_INFINITY;
    const from = left <= right ? at - 1 : at;
    const again = pack([...chunks[from]!, ...chunks[from + 1]!], measure, budget);
    const smallest = Math.min(...again.map((units) => loadOf(units, budget)));
    if (again.length === 2 && smallest >= budget.targetTokens * RUNT) chunks.splice(from, 2, ...again);
  }
  return chunks;
}

function headingLeast(): number {
  return strength.heading - 5 * strength.headingStep;
}
