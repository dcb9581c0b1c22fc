/** What is measured of an engine that serves jina-v3-tiny: one row of docs/engines.md. */
import { readFile } from 'node:fs/promises';
import { isSluiceError } from '@sluice/core';
import {
  cosine,
  type Engine,
  type GoldenFile,
  type PreflightReport,
  preflight,
  type ResolvedEngine,
} from '@sluice/embedder';

export interface Measured {
  engine: string;
  verdict: PreflightReport['verdict'] | 'absent';
  code?: string;
  /** Lowest cosine to the golden vectors over all texts, short and 4,000 tokens, in one request; null: role not served. */
  passage: number | null;
  query: number | null;
  none: number | null;
  /** Lowest cosine of a text alone and in the company of longer ones. */
  batchInvariance: number | null;
  overLong: string;
  base64: boolean;
  /** Texts of the golden file a second, on a loaded CPU with a toy: only to see that it works. */
  rowsPerSecond: number | null;
  note?: string;
}

export async function measureEngine(
  name: string,
  engine: Engine,
  resolved: ResolvedEngine,
  golden: GoldenFile,
): Promise<Measured> {
  const report = await preflight(engine, resolved, { golden });
  const texts = golden.texts.filter(({ text }) => text === text.normalize('NFC').trimEnd() && text.trim() !== '');
  const embed = async (role: 'passage' | 'query' | 'none') => {
    if (!engine.profile.roles.includes(role)) return null;
    const vectors: Float32Array[] = [];
    for (let i = 0; i < texts.length; i += 8) {
      const some = texts.slice(i, i + 8).map(({ text }) => text);
      const reply = await engine.embed({ texts: some, tokens: some.map(() => 4_096), role });
      vectors.push(...reply.vectors.map((vector) => vector ?? new Float32Array(engine.fullDimension)));
    }
    return vectors;
  };
  const lowest = (vectors: Float32Array[] | null, variant: string) =>
    vectors === null ? null : Math.min(...vectors.map((vector, i) => cosine(vector, texts[i]!.vectors.get(variant)!)));

  const startedMs = performance.now();
  const passages = await embed('passage');
  const seconds = (performance.now() - startedMs) / 1_000;
  const queries = await embed('query');
  const bare = await embed('none').catch((error: unknown) => {
    if (isSluiceError(error) && error.code === 'engine_rejected') return null; // refusing a request without a task is right
    throw error;
  });
  const alone: number[] = [];
  for (const [i, { text }] of texts.slice(0, 4).entries()) {
    const { vectors } = await engine.embed({ texts: [text], tokens: [64], role: 'passage' });
    alone.push(cosine(vectors[0]!, passages![i]!));
  }
  return {
    engine: name,
    verdict: report.verdict,
    ...(report.code !== undefined && { code: report.code }),
    passage: lowest(passages, 'retrieval.passage'),
    query: lowest(queries, 'retrieval.query'),
    none: lowest(bare, 'none'),
    batchInvariance: Math.min(...alone),
    overLong: overLong(report),
    base64: engine.profile.base64,
    rowsPerSecond: passages === null ? null : passages.length / seconds,
  };
}

function overLong(report: PreflightReport): string {
  const finding = report.findings.find(({ name }) => name === 'over-long text');
  if (finding === undefined) return 'not asked';
  return { ok: 'refused', warn: 'cut, and known to', fail: 'cut silently' }[finding.status];
}

/** The table of docs/engines.md between its markers; the rest of the page stays. */
export async function enginesPage(path: string, rows: readonly Measured[], machine: string): Promise<string> {
  const figure = (value: number | null) => (value === null ? '–' : value.toFixed(6));
  const lines = rows.map((row) => {
    const why = row.code === undefined ? (row.note ?? '') : `\`${row.code}\``;
    const cells = [
      row.engine,
      why === '' ? row.verdict : `${row.verdict}: ${why}`,
      ...[row.passage, row.query, row.none, row.batchInvariance].map(figure),
      row.overLong,
      row.base64 ? 'yes' : 'no',
      row.rowsPerSecond?.toFixed(1) ?? '–',
    ];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  const table = [
    `Measured on ${machine}.`,
    '',
    '| engine | verdict | passage | query | none | alone against in company | over-long text | base64 | texts/s |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
  const page = await readFile(path, 'utf8');
  return page.replace(/(<!-- measured -->)[\s\S]*?(<!-- end -->)/, `$1\n${table}\n$2`);
}
