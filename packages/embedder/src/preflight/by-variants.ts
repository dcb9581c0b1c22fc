/**
 * Proof without golden vectors, for engines that take a task with each request: the engine is compared with itself.
 *
 * For passages, and for queries:
 * - The task is minded if no other task's vectors, nor the bare model's, with or without the instruction put before the text
 *   by us, are those of the role.
 * - The instruction is there once if putting it before the text ourselves moves the vector as much as a *second* one moves
 *   it where nobody adds any (the bare model): the first moves it far, the second a little, the third less.
 *
 * How the tokens are pooled, or whether the weights are the right ones, is the same in all of an engine's variants: only golden vectors show it.
 */

import type { Role } from '../engine.ts';
import { cosine } from '../matryoshka.ts';
import { fixFor } from './fix-for.ts';
import type { Report } from './report.ts';

/** A few tokens each: the shorter the text, the more an instruction shows. */
const TEXTS = ['yes', 'Hà Nội', '检索', 'Follow the white rabbit.'];
/** Two ways of computing one vector are at least this near, bf16 included; other variants of short texts stay below 0.99. */
const SAME = 0.9995;
const OTHER_TASKS = ['text-matching', 'separation', 'classification'] as const;

export type AskAs = (texts: readonly string[], as: { role: Role; task?: string }) => Promise<Float32Array[]>;

type TaskRole = 'passage' | 'query';

export interface OwnVariants {
  report: Report;
  ask: AskAs;
  /** Without a task; undefined where the engine refuses that. */
  askBare: (texts: readonly string[]) => Promise<Float32Array[] | undefined>;
  instructions: Readonly<Record<TaskRole, string>>;
  /** Which of the two are to be right. */
  roles: readonly Role[];
}

/** Stops at the first role that is wrong. */
export async function compareOwnVariants(options: OwnVariants): Promise<void> {
  const { report, ask } = options;
  const own = { passage: await ask(TEXTS, { role: 'passage' }), query: await ask(TEXTS, { role: 'query' }) };
  for (const role of ['passage', 'query'] as const) {
    if (!options.roles.includes(role)) continue;
    if (!(await taskIsMinded(role, own, options))) return;
    if (!(await instructionIsThereOnce(role, own[role], options))) return;
  }
  report.warn(
    'pooling',
    'not proved: without golden vectors nothing shows whether the mean of all tokens is taken',
    'Name golden vectors of the model in SLUICE_GOLDEN; `npx sluice golden record` makes them from an engine that is trusted.',
  );
  report.provedBy('variants');
}

async function taskIsMinded(
  role: TaskRole,
  own: Readonly<Record<TaskRole, Float32Array[]>>,
  { report, ask, askBare, instructions }: OwnVariants,
): Promise<boolean> {
  const other = role === 'passage' ? 'query' : 'passage';
  const candidates: { words: string; task: string | null; vectors: Float32Array[] }[] = [
    { words: `the ${other} adapter`, task: other, vectors: own[other] },
  ];
  for (const n of [0, 1]) {
    const vectors = await askBare(instructed(instructions[role], n));
    const words = `the bare model${n === 0 ? '' : ' with the instruction'}`;
    if (vectors !== undefined) candidates.push({ words, task: null, vectors });
  }
  for (const task of OTHER_TASKS) {
    for (const n of [0, 1]) {
      const words = `the adapter ${task}${n === 0 ? '' : ' with the instruction'}`;
      candidates.push({ words, task, vectors: await ask(instructed(instructions[role], n), { role: 'none', task }) });
    }
  }
  const name = findingName(role, 'task');
  const same = candidates.filter(({ vectors }) => meanCosine(own[role], vectors) >= SAME);
  if (same.length > 0) {
    const code = same.some(({ task }) => task === null) ? 'task_ignored' : 'wrong_adapter';
    const whose = same.map(({ words }) => words).join(', ');
    report.fail(name, `${role} vectors are those of ${whose}`, code, fixFor(code, role));
    return false;
  }
  const nearest = Math.max(...candidates.map(({ vectors }) => meanCosine(own[role], vectors)));
  report.ok(name, `${role} vectors are unlike every other task's (nearest cosine ${nearest.toFixed(4)})`);
  return true;
}

async function instructionIsThereOnce(
  role: TaskRole,
  own: Float32Array[],
  { report, ask, askBare, instructions }: OwnVariants,
): Promise<boolean> {
  const instruction = instructions[role];
  // What nobody puts an instruction before: the bare model, or a task that has none.
  const plain: Float32Array[][] = [];
  for (const n of [0, 1, 2, 3]) {
    const texts = instructed(instruction, n);
    plain.push((await askBare(texts)) ?? (await ask(texts, { role: 'none', task: 'separation' })));
  }
  const step = meanLogAngle(own, await ask(instructed(instruction, 1), { role }));
  const steps = [0, 1, 2].map((n) => meanLogAngle(plain[n]!, plain[n + 1]!));
  const off = steps.map((reference) => Math.abs(step - reference));
  const alreadyThere = off.indexOf(Math.min(...off));
  const name = findingName(role, 'instruction');
  const measured = `our own instruction before the text turns the vector by ${degrees(step)}; where nobody adds any, the first, second and third turn it by ${steps.map(degrees).join(', ')}`;
  if (alreadyThere === 1) {
    report.ok(name, measured);
    return true;
  }
  const code = alreadyThere === 0 ? 'prefix_missing' : 'prefix_doubled';
  report.fail(name, measured, code, fixFor(code, role));
  return false;
}

function findingName(role: TaskRole, what: string): string {
  return role === 'passage' ? what : `query ${what}`;
}

function instructed(instruction: string, times: number): string[] {
  return TEXTS.map((text) => instruction.repeat(times) + text);
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
