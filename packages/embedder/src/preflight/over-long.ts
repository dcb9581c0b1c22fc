/**
 * What becomes of long texts. An engine that promises to refuse those above its window must do so. One that is known to cut them is right
 * only as long as every text that Sluice sends is read to its end, so that is measured: two texts of the largest size that differ in
 * their last words must have different vectors. A window that is smaller than the profile says (512 tokens is a common default) shows so.
 */
import { type ErrorCode, isSluiceError, type SluiceError } from '@sluice/core';
import type { Engine } from '../engine.ts';
import { cosine } from '../matryoshka.ts';
import { CANARY } from './behaviour.ts';
import { ownRole } from './own-role.ts';
import type { Report } from './report.ts';

const NAME = 'over-long text';
const SPECIAL_TOKENS = 2;
const WORDS = ['rabbit', 'river', 'seven', 'green', 'house', 'music', 'winter', 'paper'];
const ONE_END = 'they all came home before the rain';
const OTHER_END = 'nobody knew the price of gold';
/** Equal texts of one shape get equal bits from nearly every engine; four times what a repetition differs by allows for the others. */
const NOISE_FACTOR = 4;
const SAME_BITS = 1e-12;
/** For the deadline of a short text. */
const PROBE_TOKENS = 64;
/** What a text may get that is too long for an engine. */
const LENGTH_REFUSED: ReadonlySet<ErrorCode> = new Set(['engine_rejected', 'engine_too_large', 'engine_failed']);

export interface LongTexts {
  /** Tokens of the longest text that the line will send, specials and instruction included. */
  maxTokens: number;
  /** Tokens of a text by the model's tokenizer, without specials; undefined: not known, so nothing can be measured. */
  count: ((text: string) => number) | undefined;
}

/** Adds one finding, or none where the engine has no window. */
export async function checkOverLong(report: Report, engine: Engine, { maxTokens, count }: LongTexts): Promise<void> {
  const { windowTokens, overLong } = engine.profile;
  if (windowTokens === null || overLong === 'no-limit') return;
  if (overLong === 'refused') return checkRefused(report, engine, { windowTokens, maxTokens, count });
  if (count === undefined) {
    report.warn(NAME, `cut silently, as the profile says; without the model's tokenizer nobody knows from where on`);
    return;
  }
  await checkReadToTheEnd(report, engine, { maxTokens, count });
}

async function checkRefused(
  report: Report,
  engine: Engine,
  { windowTokens, maxTokens, count }: LongTexts & { windowTokens: number },
): Promise<void> {
  const { role } = ownRole(engine.profile);
  // A word is one token or more, so this is above the window in every tokenizer.
  const text = 'rabbit '.repeat(windowTokens + 1).trimEnd();
  let failure: SluiceError;
  try {
    await engine.embed({ texts: [text], tokens: [windowTokens + 3], role });
    report.fail(
      NAME,
      `a text above ${windowTokens} tokens got a vector, so it was cut silently`,
      'silent_truncation',
      'Start the engine so that it refuses over-long texts (TEI: --auto-truncate false).',
    );
    return;
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    failure = error;
  }
  const { code, got = code } = failure;
  if (code === 'engine_rejected' || code === 'engine_too_large') return report.ok(NAME, `refused (${got})`);
  if (code !== 'engine_failed') throw failure;
  // llama.cpp answers 500 to it. One that broke down would say so to a short text as well: that throws.
  await engine.embed({ texts: [CANARY], tokens: [PROBE_TOKENS], role });
  if (count === undefined) return report.ok(NAME, `refused (${got}); a short text after it is taken`);
  // It says the same to every text above its batch, which by default is smaller than what Sluice sends.
  const { embed, longest } = longTexts(engine, { maxTokens, count });
  try {
    await embed(await longest(), ONE_END);
    report.ok(NAME, `refused (${got}); ${maxTokens} tokens are taken`);
  } catch (error) {
    if (!isSluiceError(error) || !LENGTH_REFUSED.has(error.code)) throw error;
    report.fail(
      NAME,
      `a text of ${maxTokens} tokens, the longest that Sluice sends, gets ${error.got ?? error.code}`,
      error.code,
      `Let the engine take ${maxTokens} tokens at a time (llama.cpp: -c, -b and -ub), or lower SLUICE_MAX_TOKENS.`,
    );
  }
}

/** Texts of any length that differ in their end alone. */
function longTexts(engine: Engine, { maxTokens, count }: LongTexts & { count: (text: string) => number }) {
  const { role, instruction } = ownRole(engine.profile);
  const around = SPECIAL_TOKENS + (instruction === '' ? 0 : count(instruction));
  const text = (words: number, end: string) =>
    [...Array.from({ length: words }, (_, i) => WORDS[i % WORDS.length]), end].join(' ');
  const tokensOf = (words: number) => Math.max(count(text(words, ONE_END)), count(text(words, OTHER_END))) + around;
  const embed = async (words: number, end: string) => {
    const { vectors } = await engine.embed({ texts: [text(words, end)], tokens: [tokensOf(words)], role });
    return vectors[0] ?? undefined;
  };
  /** Words of the longest that the line will send. */
  const longest = () => last(maxTokens, async (words) => tokensOf(words) <= maxTokens);
  return { embed, tokensOf, longest };
}

async function checkReadToTheEnd(
  report: Report,
  engine: Engine,
  { maxTokens, count }: LongTexts & { count: (text: string) => number },
): Promise<void> {
  const { embed, tokensOf, longest } = longTexts(engine, { maxTokens, count });
  /** Whether the end of a text of so many words makes a difference. */
  const isRead = async (words: number) => {
    const [one, again, other] = [
      await embed(words, ONE_END),
      await embed(words, ONE_END),
      await embed(words, OTHER_END),
    ];
    if (one === undefined || again === undefined || other === undefined) return false;
    return 1 - cosine(one, other) > Math.max(SAME_BITS, NOISE_FACTOR * (1 - cosine(one, again)));
  };

  const most = await longest();
  if (await isRead(most)) {
    report.warn(
      NAME,
      `cut silently, as the profile says; the longest that Sluice sends, ${maxTokens} tokens, are read to the end`,
    );
    return;
  }
  // Of the end itself, perhaps only the first token was read.
  const end = Math.max(count(ONE_END), count(OTHER_END));
  const read = tokensOf(await last(most, isRead)) - end;
  report.fail(
    NAME,
    `of a text of ${tokensOf(most)} tokens the end makes no difference: from about ${read} tokens on texts are cut silently`,
    'silent_truncation',
    `Let the engine read ${maxTokens} tokens (sentence-transformers: max_seq_length, FastEmbed: model_max_length of tokenizer_config.json), or set SLUICE_MAX_TOKENS=${read}.`,
  );
}

/** The largest whole number below `end` for which `holds`, which holds up to some number and never after it; 0 when there is none. */
async function last(end: number, holds: (value: number) => Promise<boolean>): Promise<number> {
  let [low, high] = [0, end];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (await holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}
