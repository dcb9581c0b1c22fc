/**
 * Proof by golden vectors: the engine's vectors are compared with every known variant, and the nearest one names what the
 * engine does. One threshold alone would not do: a missing instruction is at 0.996 on a paragraph and beyond 0.9999 on 2,100
 * tokens, so only short texts are asked.
 */

import type { Role } from '../engine.ts';
import { cosine } from '../matryoshka.ts';
import { fixFor } from './fix-for.ts';
import type { GoldenFile, GoldenText } from './golden.ts';
import { mistake } from './mistake.ts';
import type { Report } from './report.ts';

/**
 * A right engine is this near to its golden vectors: fp32 0.99999998, fp16 0.9999997, bf16 0.99995 were measured; another
 * variant is at 0.98 at most on a text under 20 tokens.
 */
const SAME = 0.999;
/**
 * A vector at least this near to a variant, on average, is that variant, whatever the precision. Two adapters added up are at 0.84 to
 * the nearest one: naming that one would send people to mend what is not broken.
 */
const KNOWN = 0.98;
/**
 * Below it to every variant, the model itself is another one (or its tokenizer is): with other weights of the toy the nearest variant
 * was at 0.23, with two adapters added up at 0.84.
 */
const STRANGER = 0.5;
/** Longer texts hide the instruction. */
const MAX_TOKENS = 60;
const MAX_TEXTS = 6;

/** The shortest texts, of those that reach an engine as they are: Sluice sends NFC with the end trimmed, and no blank. */
export function probeTexts(golden: GoldenFile): GoldenText[] {
  return golden.texts
    .filter(
      ({ text, tokens }) =>
        text === text.normalize('NFC').trimEnd() && text.trim() !== '' && (tokens ?? 0) <= MAX_TOKENS,
    )
    .toSorted((a, b) => a.text.length - b.text.length)
    .slice(0, MAX_TEXTS);
}

/** `vectors`: the engine's, one for each of the texts. Adds a finding named after the role. False when there was nothing to compare with. */
export function compareWithGolden({
  report,
  golden,
  texts,
  vectors,
  role,
  expected,
}: {
  report: Report;
  golden: GoldenFile;
  texts: readonly GoldenText[];
  vectors: readonly Float32Array[];
  role: Role;
  /** Name of the right variant for this role. */
  expected: string;
}): boolean {
  const name = `${role} vectors`;
  const right = golden.variants[expected];
  if (right === undefined) {
    report.warn(name, `the golden file has no variant ${expected}`);
    return false;
  }
  const near = nearness(golden, texts, vectors);
  const [nearest, second] = near;
  const own = near.find(({ variant }) => variant === expected);
  if (nearest === undefined || own === undefined) {
    report.warn(name, 'the golden file has no vectors for its probe texts');
    return false;
  }
  const figure = (cos: number) => cos.toFixed(6);
  const difference = nearest.variant === expected ? undefined : mistake(right, golden.variants[nearest.variant]!);
  // Texts without an instruction, or variants that are the same by nature, may tie: then the expected one is right.
  if (own.lowest >= SAME && (difference === undefined || own.mean >= nearest.mean - 1e-6)) {
    report.ok(
      name,
      `${expected}: cosine ${figure(own.lowest)} to the golden vectors${second === undefined ? '' : `, next ${second.variant} ${figure(second.lowest)}`}`,
    );
    return true;
  }
  if (difference !== undefined && nearest.mean >= KNOWN) {
    report.fail(
      name,
      `nearest is ${nearest.variant} (cosine ${figure(nearest.mean)}), ${difference.words}; ${expected} is at ${figure(own.mean)}`,
      difference.code,
      fixFor(difference.code, role),
    );
    return true;
  }
  const code = nearest.mean < STRANGER ? 'wrong_model' : 'wrong_space';
  report.fail(
    name,
    `nearest is ${nearest.variant}, but only at cosine ${figure(nearest.mean)}, so it is ${code === 'wrong_model' ? 'another model' : 'none of the known variants'}; ${expected} is at ${figure(own.mean)}, and a right engine reaches ${SAME}`,
    code,
    fixFor(code, role),
  );
  return true;
}

function nearness(golden: GoldenFile, texts: readonly GoldenText[], vectors: readonly Float32Array[]) {
  return Object.keys(golden.variants)
    .flatMap((variant) => {
      const cosines = texts.flatMap(({ vectors: known }, i) => {
        const reference = known.get(variant);
        return reference === undefined ? [] : [cosine(vectors[i]!, reference)];
      });
      if (cosines.length === 0) return [];
      const mean = cosines.reduce((sum, value) => sum + value, 0) / cosines.length;
      return [{ variant, mean, lowest: Math.min(...cosines) }];
    })
    .toSorted((a, b) => b.mean - a.mean);
}
