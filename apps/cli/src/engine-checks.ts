/** What `sluice doctor` says of the engines: preflight's findings and verdict, of the line's own and of the one that serves queries. */
import { type Config, isSluiceError, type Logger, type SpaceProof } from '@sluice/core';
import {
  createEngine,
  createQueryEngine,
  type Engine,
  findGolden,
  type PreflightReport,
  preflight,
  proofForLine,
  queryConfig,
  type ResolvedEngine,
  refuseUnlessRight,
  resolveEngine,
} from '@sluice/embedder';
import { planLine } from '@sluice/line';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import type { Check } from './check.ts';
import type { Context } from './context.ts';

type Tell = (check: Check) => void;
type Part = 'engine' | 'queries';

/** `known`: what the line remembers of the engine that came first. Throws outages, and what the settings contradict. */
export async function checkEngines(context: Context, known: SpaceProof | undefined, tell: Tell): Promise<void> {
  const engine = await checkEngine(context, known, tell);
  if (context.config.SLUICE_QUERY_ENGINE_URL !== undefined) await checkQueryEngine(context, tell);
  else if (!engine.profile.roles.includes('query')) {
    tell({
      part: 'queries',
      name: 'engine',
      status: 'warn',
      detail: `${engine.profile.name} has the passage adapter alone, so nothing can be searched for`,
      fix: 'Set SLUICE_QUERY_ENGINE_URL to an engine with the query adapter merged, or to one that takes a task.',
    });
  }
}

async function checkEngine(
  { config, logger, releaser }: Context,
  known: SpaceProof | undefined,
  tell: Tell,
): Promise<Engine> {
  const plan = await planLine(config);
  const engine = await createEngine(config, { logger });
  releaser.push('the engine', () => engine.close());
  const found = await examine(engine, plan.engine, { part: 'engine', config, logger, tell });
  warnOfUntrained(plan.engine, tell);
  const verdict = verdictOf('engine', engine, tell);
  try {
    const at = new Date().toISOString();
    const proof = proofForLine(found, known, { acceptUnproven: config.SLUICE_ACCEPT_UNPROVEN, at });
    if (found.verdict === proof.verdict) verdict(proof.verdict === 'right' ? 'ok' : 'warn', proof.verdict);
    else verdict('ok', "right: the vectors of the line's own engine, which was proved");
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    if (error.code === 'model_swapped') verdict('fail', `${error.what}; got cosine ${error.got}`, error.fix);
    else verdict('fail', found.verdict, found.verdict === 'unproven' ? error.fix : undefined);
  }
  return engine;
}

/** The fix is for a line that is still to be made: a stored dimension is for good. */
function warnOfUntrained({ profile, space }: ResolvedEngine, tell: Tell): void {
  const { trainedDimensions } = profile;
  const { storedDimension, fullDimension } = space;
  const trained = trainedDimensions.filter((size) => size <= fullDimension);
  if (trained.length === 0 || storedDimension === fullDimension || trained.includes(storedDimension)) return;
  tell({
    part: 'engine',
    name: 'stored dimension',
    status: 'warn',
    detail: `the model was not trained to be cut to ${storedDimension}, so more is lost than at the next size`,
    fix: `For a new line set SLUICE_DIMENSION to one of ${trained.join(', ')}; \`npx sluice dims\` measures what yours costs.`,
  });
}

/** A line remembers nothing of it: it gives none of its vectors. */
async function checkQueryEngine({ config, logger, releaser }: Context, tell: Tell): Promise<void> {
  const engine = await createQueryEngine(config, { logger });
  releaser.push('the engine for queries', () => engine.close());
  const resolved = resolveEngine(queryConfig(config).config);
  const found = await examine(engine, resolved, { part: 'queries', config, logger, tell });
  const verdict = verdictOf('queries', engine, tell);
  try {
    refuseUnlessRight(found, { acceptUnproven: config.SLUICE_ACCEPT_UNPROVEN });
    verdict(found.verdict === 'right' ? 'ok' : 'warn', found.verdict);
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    verdict('fail', found.verdict, found.verdict === 'unproven' ? error.fix : undefined);
  }
}

async function examine(
  engine: Engine,
  resolved: ResolvedEngine,
  { part, config, logger, tell }: { part: Part; config: Config; logger: Logger; tell: Tell },
): Promise<PreflightReport> {
  const golden = await findGolden(config, resolved.space, logger);
  const tokenizer = createTokenizer(await loadTokenizerModel(config.SLUICE_TOKENIZER));
  const found = await preflight(engine, resolved, { golden, count: (text) => tokenizer.count(text) });
  for (const { name, status, measured, fix } of found.findings)
    tell({ part, name, status, detail: measured, ...(fix !== undefined && { fix }) });
  return found;
}

function verdictOf(part: Part, { where }: Engine, tell: Tell) {
  return (status: Check['status'], words: string, fix?: string) =>
    tell({ part, name: 'verdict', status, detail: `${words} (${where})`, ...(fix !== undefined && { fix }) });
}
