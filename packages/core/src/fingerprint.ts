/** The two parts of a fingerprint. A collection holds one space; several cuts may live in it together. */
import { createHash } from 'node:crypto';

/** Which vectors a collection holds. Any difference is another space: drift stops the line. */
export interface Space {
  model: string;
  modelRevision: string;
  task: string;
  /** The instruction prefix of passages, exactly; '' when the model has none. */
  instruction: string;
  fullDimension: number;
  storedDimension: number;
}

/** How documents are cut. A new cut is a warning: documents are cut anew when they change, or with `--recut`. */
export interface Cut {
  chunker: string;
  tokenizer: string;
  targetTokens: number;
  maxTokens: number;
  overlapTokens: number;
  headings: boolean;
}

export function spaceFingerprint(space: Space): string {
  return digest([
    space.model,
    space.modelRevision,
    space.task,
    space.instruction,
    space.fullDimension,
    space.storedDimension,
  ]);
}

/** Eight hex characters: enough to tell the few cuts of one line apart. */
export function cutFingerprint(cut: Cut): string {
  return digest([cut.chunker, cut.tokenizer, cut.targetTokens, cut.maxTokens, cut.overlapTokens, cut.headings]).slice(
    0,
    8,
  );
}

/** The names of the fields in which two spaces differ, with both values: what a drift message shows. */
export function spaceDifferences(expected: Space, got: Space): string[] {
  return (Object.keys(expected) as (keyof Space)[])
    .filter((name) => expected[name] !== got[name])
    .map((name) => `${name}: ${JSON.stringify(expected[name])} against ${JSON.stringify(got[name])}`);
}

function digest(parts: (string | number | boolean)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
