/** What is measured of an engine that serves the toy model: one row of docs/engines.md. */
import { join } from 'node:path';
import { isSluiceError, loadConfig, silentLogger } from '@sluice/core';
import {
  builtInGolden,
  cosine,
  createEngine,
  createQueryEngine,
  type Engine,
  type GoldenFile,
  type PreflightReport,
  preflight,
  queryConfig,
  type ResolvedEngine,
  readGolden,
  resolveEngine,
  rightVariant,
} from '@sluice/embedder';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import { TINY_DIMENSION, tinyFolder } from '../support/jina-tiny-server.ts';
import type { EngineRow } from './engine-row.ts';

export interface Measured {
  engine: string;
  /** `live`: the engine ran. `replayed`: what it answered on the day of `recorded`. `absent`: neither. */
  seen: 'live' | 'replayed' | 'absent';
  recorded?: string;
  verdict?: PreflightReport['verdict'];
  code?: string;
  /** What the table of engines says that preflight must say. */
  expected: EngineRow['expect'];
  /** Lowest cosine to the golden vectors over all texts, short and 4,000 tokens, in mixed requests; null: role not served, or no vector. */
  passage: number | null;
  query: number | null;
  none: number | null;
  /** Lowest cosine of a text alone and in the company of longer ones. */
  batchInvariance: number | null;
  overLong: string;
  base64: boolean;
  /** Texts of the golden file a second, on a loaded CPU with a toy: only to see that it works. Null when replayed. */
  rowsPerSecond: number | null;
  note?: string;
}

/** `url`: where it answers; undefined for an engine in this process. */
export async function measureRow(
  row: EngineRow,
  seen: 'live' | 'replayed',
  url: string | undefined,
): Promise<Measured> {
  const { engine, ...known } = await engineOf(row, url);
  try {
    return { ...(await measure(engine, known)), engine: row.name, seen, expected: row.expect };
  } finally {
    await engine.close();
  }
}

interface Known {
  resolved: ResolvedEngine;
  /** The right vectors of its model. */
  golden: GoldenFile;
  /** Tokens of a text, without specials. */
  count(text: string): number;
}

/** The client that a user of this engine would have, and what is known of its model. */
export async function engineOf(row: EngineRow, url: string | undefined): Promise<Known & { engine: Engine }> {
  const ownModel = row.model === 'built-in';
  const values = {
    SLUICE_ENGINE: row.profile,
    ...(!ownModel && { SLUICE_MODEL: 'jina-v3-tiny', SLUICE_FULL_DIMENSION: String(TINY_DIMENSION) }),
    ...(url !== undefined && { [row.forQueries ? 'SLUICE_QUERY_ENGINE_URL' : 'SLUICE_ENGINE_URL']: url }),
    ...row.settings,
  };
  const { config } = loadConfig([{ name: row.name, values }]);
  const resolved = resolveEngine(row.forQueries ? queryConfig(config).config : config);
  const tokenizer = createTokenizer(
    await loadTokenizerModel(ownModel ? config.SLUICE_TOKENIZER : join(tinyFolder, 'tokenizer.json')),
  );
  const golden = ownModel
    ? await builtInGolden(resolved)
    : await readGolden(join(row.model ?? tinyFolder, 'golden.json'));
  if (golden === undefined) throw new Error(`${row.name} has no golden vectors built in`);
  return {
    count: (text) => tokenizer.count(text),
    engine: await (row.forQueries ? createQueryEngine : createEngine)(config, { logger: silentLogger }),
    resolved,
    golden,
  };
}

async function measure(
  engine: Engine,
  { resolved, golden, count }: Known,
): Promise<Omit<Measured, 'engine' | 'seen' | 'expected'>> {
  const report = await preflight(engine, resolved, { golden, count });
  const texts = golden.texts.filter(({ text }) => text === text.normalize('NFC').trimEnd() && text.trim() !== '');
  /** Null where the engine does not serve the role, refuses it, or answers what is no vector. */
  const embed = async (role: 'passage' | 'query' | 'none') => {
    if (!engine.profile.roles.includes(role)) return null;
    const vectors: Float32Array[] = [];
    for (let i = 0; i < texts.length; i += 8) {
      const some = texts.slice(i, i + 8).map(({ text }) => text);
      try {
        const reply = await engine.embed({ texts: some, tokens: some.map(() => 4_096), role });
        vectors.push(...reply.vectors.map((vector) => vector ?? new Float32Array(engine.fullDimension)));
      } catch (error) {
        if (isSluiceError(error) && error.verdict !== 'retry') return null;
        throw error;
      }
    }
    return vectors;
  };
  const lowest = (vectors: Float32Array[] | null, role: 'passage' | 'query' | 'none') => {
    const variant = rightVariant(role, resolved.space.task);
    if (vectors === null) return null;
    return Math.min(...vectors.map((vector, i) => cosine(vector, texts[i]!.vectors.get(variant)!)));
  };

  const startedMs = performance.now();
  const passages = await embed('passage');
  const seconds = (performance.now() - startedMs) / 1_000;
  const alone: number[] = [];
  if (passages !== null) {
    for (const [i, { text }] of texts.slice(0, 4).entries()) {
      const { vectors } = await engine.embed({ texts: [text], tokens: [64], role: 'passage' });
      alone.push(cosine(vectors[0]!, passages[i]!));
    }
  }
  return {
    verdict: report.verdict,
    ...(report.code !== undefined && { code: report.code }),
    passage: lowest(passages, 'passage'),
    query: lowest(await embed('query'), 'query'),
    none: lowest(await embed('none'), 'none'),
    batchInvariance: alone.length === 0 ? null : Math.min(...alone),
    overLong: engine.profile.windowTokens === null ? 'no window' : overLong(report),
    base64: engine.profile.base64,
    rowsPerSecond: passages === null ? null : passages.length / seconds,
  };
}

function overLong(report: PreflightReport): string {
  const finding = report.findings.find(({ name }) => name === 'over-long text');
  if (finding === undefined) return 'not asked';
  return { ok: 'refused', warn: 'cut, and known to', fail: 'cut silently' }[finding.status];
}
