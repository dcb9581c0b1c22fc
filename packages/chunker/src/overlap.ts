/** Where a chunk starts when it repeats the end of the one before. */
import { segmented, words as wordSegmenter } from './divide.ts';
import type { Measure } from './unit.ts';
import { isBlank, joinsBack } from './unit.ts';

const sentences = new Intl.Segmenter('en', { granularity: 'sentence' });
/** No token is longer than 16 characters, but text may hold characters that are no token at all. */
const CHARACTERS_PER_TOKEN = 12;

/**
 * The earliest start from which at most `tokens` tokens stand before `start`: at a sentence if there is one, else at a word,
 * else `start` itself. Never before `least`.
 */
export function overlapStart(measure: Measure, least: number, start: number, tokens: number): number {
  const { source } = measure;
  const from = Math.max(least, start - tokens * CHARACTERS_PER_TOKEN);
  /** Where what is looked at begins may be inside a word; only `least` is a boundary for certain. */
  const isStart = (at: number) => at < start && (at > from || from === least) && !joinsBack(source, at);
  const text = source.slice(from, start).replace(/[\r\n]/g, ' ');
  const sentenceStarts: number[] = [];
  for (const { index, segment } of sentences.segment(text))
    sentenceStarts.push(from + index + (segment.length - segment.trimStart().length));
  const sentence = earliest(sentenceStarts.filter(isStart), measure, start, tokens);
  if (sentence !== undefined) return sentence;
  const words = [...text.matchAll(/(?<=\s)\S|^\S/g)].map(({ index }) => from + index).filter(isStart);
  return earliest(words, measure, start, tokens) ?? unspacedStart(measure, least, start, tokens) ?? start;
}

/** Where no white space is near (Chinese, Japanese, Thai): from the last that there is, so that no flag or mark is parted. */
function unspacedStart(measure: Measure, least: number, start: number, tokens: number): number | undefined {
  const { source } = measure;
  let from = start;
  while (from > least && !isBlank(source.charCodeAt(from - 1))) from--;
  const words = [...segmented(wordSegmenter, source, from, start)].filter((at) => !joinsBack(source, at));
  return earliest(words, measure, start, tokens);
}

/** Counts fall as the start moves on: a search by halves, so that few are made. */
function earliest(starts: readonly number[], measure: Measure, end: number, tokens: number): number | undefined {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (measure.count(starts[middle]!, end) <= tokens) high = middle;
    else low = middle + 1;
  }
  return starts[low];
}
