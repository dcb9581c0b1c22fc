/**
 * Proof without golden vectors, for engines that take a task with each request: the engine is compared with itself.
 *
 * - The task is minded if no other task's vectors, nor the bare model's, with or without the instruction put before the text
 *   by us, are the passage vectors.
 * - The instruction is there once if putting it before the text ourselves moves the vector as much as a *second* one moves
 *   it where nobody adds any (the bare model): the first moves it far, the second a little, the third less.
 */

import type { Role } from '../engine.ts';
import { cosine } from '../matryoshka.ts';
import type { Report } from './report.ts';

/** A few tokens each: the shorter the text, the more an instruction shows. */
const TEXTS = ['yes', 'Hà Nội', '检索', 'Follow the white rabbit.'];
/** Two ways of computing one vector are at least this near, bf16 included; other variants of short texts stay below 0.99. */
const SAME = 0.9995;
const OTHER_TASKS = ['text-matching', 'separation', 'classification'] as const;

export type AskAs = (texts: readonly string[], as: { role: Role; task?: string }) => Promise<Float32Array[]>;

export async function compareOwnVariants({
  report,
  ask,
  askBare,
  instruction,
  fixFor,
}: {
  report: Report;
  ask: AskAs;
  /** Without a task; undefined where the engine refuses that. */
  askBare: (texts: readonly string[]) => Promise<Float32Array[] | undefined>;
  /** The passage instruction. */
  instruction: string;
  fixFor: (code: 'task_ignored' | 'wrong_adapter' | 'prefix_missing' | 'prefix_doubled') => string;
}): Promise<void> {
  const times = (n: number) => TEXTS.map((text) => instruction.repeat(n) + text);
  const passage = await ask(times(0), { role: 'passage' });
  const candidates: { words: string; task: string | null; vectors: Float32Array[] }[] = [
    { words: 'the query adapter', task: 'retrieval.query', vectors: await ask(times(0), { role: 'query' }) },
  ];
  // What nobody puts an instruction before: the bare model, or a task that has none.
  const askPlain = async (texts: string[]) =>
    (await askBare(texts)) ?? ask(texts, { role: 'none', task: 'separation' });
  const plain: Float32Array[][] = [];
  for (const n of [0, 1, 2, 3]) plain.push(await askPlain(times(n)));
  for (const n of [0, 1]) {
    const vectors = await askBare(times(n));
    const words = `the bare model${n === 0 ? '' : ' with the instruction'}`;
    if (vectors !== undefined) candidates.push({ words, task: null, vectors });
  }
  for (const task of OTHER_TASKS) {
    for (const n of [0, 1]) {
      const words = `the adapter ${task}${n === 0 ? '' : ' with the instruction'}`;
      candidates.push({ words, task, vectors: await ask(times(n), { role: 'none', task }) });
    }
  }
  const same = candidates.filter(({ vectors }) => meanCosine(passage, vectors) >= SAME);
  if (same.length > 0) {
    const code = same.some(({ task }) => task === null) ? 'task_ignored' : 'wrong_adapter';
    report.fail(
      'task',
      `passage vectors are those of ${same.map(({ words }) => words).join(', ')}`,
      code,
      fixFor(code),
    );
    return;
  }
  const nearest = Math.max(...candidates.map(({ vectors }) => meanCosine(passage, vectors)));
  report.ok('task', `passage vectors are unlike every other task's (nearest cosine ${nearest.toFixed(4)})`);

  const step = meanLogAngle(passage, await ask(times(1), { role: 'passage' }));
  const steps = [0, 1, 2].map((n) => meanLogAngle(plain[n]!, plain[n + 1]!));
  const off = steps.map((reference) => Math.abs(step - reference));
  const alreadyThere = off.indexOf(Math.min(...off));
  const measured = `our own instruction before the text turns the vector by ${degrees(step)}; where nobody adds any, the first, second and third turn it by ${steps.map(degrees).join(', ')}`;
  if (alreadyThere === 0) report.fail('instruction', measured, 'prefix_missing', fixFor('prefix_missing'));
  else if (alreadyThere === 2) report.fail('instruction', measured, 'prefix_doubled', fixFor('prefix_doubled'));
  else {
    report.ok('instruction', measured);
    report.provedBy('variants');
  }
}

function meanCosine(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  return a.reduce((sum, vector, i) => sum + cosine(vector, b[i]!), 0) / a.length;
}

/** Mean of the logarithms of the angles between two lists: angles of different sizes compare by their ratio. */
function meanLogAngle(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  return (
    a.reduce((sum, vector, i) => sum + Math.log(Math.max(1e-6, Math.acos(Math.min(1, cosine(vector, b[i]!))))), 0) /
    a.length
  );
}

function degrees(logAngle: number): string {
  return `${((Math.exp(logAngle) * 180) / Math.PI).toFixed(1)}°`;
}
