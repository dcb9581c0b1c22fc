/**
 * Preflight: known texts are embedded as passage, as query and without task, and the answers are compared with every known
 * variant, right and wrong. Most ways to serve a model with adapters answer 200 with vectors of the wrong space; this is
 * where they are told apart, before a single document is embedded.
 */
import { isSluiceError, SluiceError } from '@sluice/core';
import type { Engine, Role } from './engine.ts';
import { CANARY, checkNormalisation, checkSteadiness, checkUsage } from './preflight/behaviour.ts';
import { builtInGolden } from './preflight/built-in-golden.ts';
import { compareWithGolden, probeTexts } from './preflight/by-golden.ts';
import { compareOwnVariants } from './preflight/by-variants.ts';
import { isOf } from './preflight/find-golden.ts';
import { type GoldenFile, rightVariant } from './preflight/golden.ts';
import { canaryCosine, SAME_CANARY } from './preflight/line-proof.ts';
import { checkModelName } from './preflight/model-name.ts';
import { checkOverLong } from './preflight/over-long.ts';
import { ownRole } from './preflight/own-role.ts';
import { createReport, type PreflightReport } from './preflight/report.ts';
import type { ResolvedEngine } from './resolve-engine.ts';

export interface PreflightOptions {
  /** Golden vectors of this model and revision, where there are some. Engines that ship with Sluice bring their own. */
  golden?: GoldenFile | undefined;
  /** Tokens of a text by the model's tokenizer, without specials: to learn what the engine's `usage` counts, and to measure texts of the largest size. */
  count?: ((text: string) => number) | undefined;
  /** Ask what an over-long text gets. On a slow engine that cuts, the answer costs a whole window. Default true. */
  overLong?: boolean;
  signal?: AbortSignal | undefined;
}

/** A probe text has about so many tokens: for the deadline only. */
const PROBE_TOKENS = 64;

/**
 * Never refuses by itself: the caller reads the verdict (see `refuseUnlessRight`). Throws only on outages (verdict `retry`),
 * when nothing was learned, and the signal's reason.
 */
export async function preflight(
  engine: Engine,
  resolved: ResolvedEngine,
  { golden: given, count, overLong = true, signal }: PreflightOptions = {},
): Promise<PreflightReport> {
  // The engine's own profile: what is served may be less than the row promises (one adapter merged, queries only).
  const { profile } = engine;
  const { space } = resolved;
  const report = createReport({ profile: profile.name, where: engine.where, model: resolved.servedModel });

  /** What the engine calls its model, where it says. */
  let called: string | undefined;
  const lengths = { least: Number.POSITIVE_INFINITY, most: 0 };
  const ask = async (texts: readonly string[], as: { role: Role; task?: string }): Promise<Float32Array[]> => {
    const { vectors, model } = await engine.embed({ texts, tokens: texts.map(() => PROBE_TOKENS), signal, ...as });
    called = model ?? called;
    return vectors.map((vector) => {
      if (vector !== null) {
        const length = Math.hypot(...vector);
        lengths.least = Math.min(lengths.least, length);
        lengths.most = Math.max(lengths.most, length);
        return vector;
      }
      throw new SluiceError('bad_vector', {
        message: 'The engine has no vector for a plain text',
        where: engine.where,
      });
    });
  };
  /** An engine may refuse to embed without a task: that is as good as a right answer. */
  const askOrRefused = (texts: readonly string[], role: Role) =>
    ask(texts, { role }).catch((error: unknown) => {
      if (role === 'none' && isSluiceError(error) && error.code === 'engine_rejected') return undefined;
      throw error;
    });

  try {
    await checkSteadiness(report, (texts) => ask(texts, { role: ownRole(profile).role }));
    report.ok('dimension', `${engine.fullDimension}, cut to ${space.storedDimension}`);
    const golden = await chooseGolden();
    if (golden !== undefined) {
      const texts = probeTexts(golden);
      const compared = new Set<Role>();
      for (const role of ['passage', 'query', 'none'] as const) {
        if (!profile.roles.includes(role)) continue;
        const vectors = await askOrRefused(
          texts.map(({ text }) => text),
          role,
        );
        if (vectors === undefined) {
          report.ok('none vectors', 'refused: this engine embeds nothing without a task');
          continue;
        }
        const had = compareWithGolden({
          report,
          golden,
          texts,
          vectors,
          role,
          expected: rightVariant(role, space.task),
        });
        if (had) compared.add(role);
      }
      // Recorded from an engine for passages alone, they say nothing of one for queries.
      if (!report.failed && compared.has(ownRole(profile).role)) report.provedBy('golden');
    } else if (profile.protocol === 'jina') {
      await compareOwnVariants({
        report,
        ask,
        askBare: (texts) => askOrRefused(texts, 'none'),
        roles: profile.roles,
        instructions: { passage: space.instruction, query: profile.queryInstruction },
      });
    } else {
      report.warn('space', 'no golden vectors of this model and revision, and the engine has no task to compare by');
    }
    checkNormalisation(report, lengths);
    checkModelName(report, { asked: resolved.servedModel, called, compared: golden !== undefined });
    if (count !== undefined) await checkUsage(report, engine, count);
    if (overLong) await checkOverLong(report, engine, { maxTokens: resolved.limits.maxTokens, count });
  } catch (error) {
    if (!isSluiceError(error) || error.verdict === 'retry') throw error;
    const name = error.code === 'not_normalised' ? 'normalisation' : 'answers';
    report.fail(name, `${error.what}${error.got === undefined ? '' : ` (${error.got})`}`, error.code, error.fix);
  }
  return report.finish();

  async function chooseGolden(): Promise<GoldenFile | undefined> {
    if (given === undefined) return builtInGolden(resolved);
    if (isOf(given, space)) return given;
    const { model, revision, dimension } = given;
    throw new SluiceError('bad_configuration', {
      message: 'The golden vectors are of another model',
      where: 'SLUICE_GOLDEN',
      expected: `${space.model} at ${space.modelRevision}, ${space.fullDimension} dimensions`,
      got: `${model} at ${revision ?? 'no revision'}, ${dimension} dimensions`,
      fix: 'Unset SLUICE_GOLDEN, or mend SLUICE_MODEL, SLUICE_MODEL_REVISION and SLUICE_FULL_DIMENSION.',
    });
  }
}

/**
 * Embeds the canary again and compares it with what preflight got: throws `model_swapped` when it is another vector now.
 * Also the cheapest sign of life of an engine.
 */
export async function checkCanary(engine: Engine, report: PreflightReport, signal?: AbortSignal): Promise<void> {
  const known = report.canary;
  if (known === undefined) return;
  const { vectors } = await engine.embed({ texts: [CANARY], tokens: [PROBE_TOKENS], role: 'passage', signal });
  const now = vectors[0];
  const value =
    now == null
      ? Number.NaN
      : canaryCosine(known.vector, Buffer.from(now.buffer, now.byteOffset, now.byteLength).toString('base64'));
  if (value >= SAME_CANARY) return;
  throw new SluiceError('model_swapped', {
    message: 'The engine gives another vector for a known text than at the start',
    where: engine.where,
    expected: `cosine ${SAME_CANARY} or more`,
    got: Number.isNaN(value) ? 'no comparable vector' : value.toFixed(4),
  });
}
