/** What can be asked of any engine, whatever its model: is it steady, and what does it count? */
import type { Engine } from '../engine.ts';
import { NORM_TOLERANCE } from '../http/reply-vectors.ts';
import { cosine } from '../matryoshka.ts';
import { fixFor } from './fix-for.ts';
import { ownRole } from './own-role.ts';
import type { Report } from './report.ts';

/** fp32 and fp16 repeat themselves beyond 0.999999; bf16 in another batch shape reaches 0.9999. */
const STEADY = 0.999;
const NOTEWORTHY = 0.9999;
export const CANARY = 'Follow the white rabbit.';
const COMPANION = 'A longer text, so that the short one is padded when both go in one request. '.repeat(20);

/** Same text twice, and once more in the company of a longer one. */
export async function checkSteadiness(
  report: Report,
  ask: (texts: readonly string[]) => Promise<Float32Array[]>,
): Promise<void> {
  const [alone] = await ask([CANARY]);
  const [again] = await ask([CANARY]);
  const [, inCompany] = await ask([COMPANION, CANARY]);
  const fix = fixFor('unstable_vectors');
  judge('determinism', cosine(alone!, again!));
  judge('batch invariance', cosine(alone!, inCompany!));
  report.setCanary(CANARY, alone!);

  function judge(name: string, value: number): void {
    const measured = `cosine ${value.toFixed(7)}`;
    if (!(value >= STEADY)) report.fail(name, measured, 'unstable_vectors', fix);
    else if (value < NOTEWORTHY) report.warn(name, measured, fix);
    else report.ok(name, measured);
  }
}

/** Every reply was held to it already where the profile promises it; what is off elsewhere is made right when it is cut. */
export function checkNormalisation(report: Report, { least, most }: { least: number; most: number }): void {
  const name = 'normalisation';
  const measured = `length ${least.toFixed(4)} to ${most.toFixed(4)}`;
  const isUnit = least >= 1 - NORM_TOLERANCE && most <= 1 + NORM_TOLERANCE;
  report.ok(name, isUnit ? measured : `${measured}: Sluice makes every vector unit length`);
}

/** What `usage` says for two texts, against our own count. Needs the model's tokenizer; only a remark, never a refusal. */
export async function checkUsage(report: Report, engine: Engine, count: (text: string) => number): Promise<void> {
  const { profile } = engine;
  if (profile.usageCounts === 'nothing') return;
  const texts = [CANARY, COMPANION.trimEnd()];
  const special = 2;
  const bare = texts.map((text) => count(text) + special);
  const { role, instruction: words } = ownRole(profile);
  const instruction = words === '' ? 0 : count(words);
  const { usageTokens } = await engine.embed({
    texts,
    tokens: bare.map((tokens) => tokens + instruction),
    role,
  });
  const sum = (numbers: readonly number[]) => numbers.reduce((total, value) => total + value, 0);
  const meanings: [string, number][] = [
    ['tokens without the instruction', sum(bare)],
    ['tokens without instruction and specials', sum(bare) - special * texts.length],
    ['tokens with the instruction', sum(bare) + instruction * texts.length],
    ['characters', sum(texts.map((text) => text.length))],
    ['characters with the instruction', sum(texts.map((text) => text.length + words.length))],
  ];
  const meaning = meanings.find(([, value]) => value === usageTokens)?.[0];
  if (usageTokens === undefined) report.warn('usage', 'the engine reports none');
  else if (meaning !== undefined) report.ok('usage', `counts ${meaning}`);
  else {
    report.warn(
      'usage',
      `${usageTokens} reported; our tokenizer counts ${sum(bare)} without and ${sum(bare) + instruction * texts.length} with the instruction`,
      'Point SLUICE_TOKENIZER at the tokenizer of the model that is served.',
    );
  }
}
