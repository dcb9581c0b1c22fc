/**
 * Makes smaller units of one that is too large, at the next finer grain at which it has a boundary: prose by sentence, line,
 * clause, word, grapheme; code and tables by line first. A unit is divided only when a chunk cannot close otherwise, so
 * the segmenters see little of an ordinary text.
 */
import { strength } from './outline.ts';
import { type Grain, isBlank, joinsBack, type Measure, type Unit } from './unit.ts';

/** A fixed locale: the same cuts on every machine. */
const sentences = new Intl.Segmenter('en', { granularity: 'sentence' });
export const words = new Intl.Segmenter('en', { granularity: 'word' });
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Code units that a segmenter is given at a time, so that no text makes it look far ahead. */
const WINDOW = 16_384;
/** After these, with white space behind them; after full-width ones anywhere. */
const clauseEnd = /[,;:،؛—–](?=\s)|[，；：、、､]/g;

/** Sentences, lines and clauses shorter than this stay with the one before. */
const SHORT = 24;
/** No sentence ends in these; most blobs are made of them alone. */
const unpunctuated = /^[^.!?\u0080-\uffff]*$/;
const printable = /^[\x20-\x7e]*$/;

const order: Record<Unit['kind'], readonly Grain[]> = {
  heading: ['sentence', 'line', 'clause', 'word', 'grapheme', 'codePoint'],
  prose: ['sentence', 'line', 'clause', 'word', 'grapheme', 'codePoint'],
  code: ['line', 'word', 'grapheme', 'codePoint'],
  table: ['line', 'clause', 'word', 'grapheme', 'codePoint'],
};

/** The strength of the boundaries that dividing this unit would open; 0 when it cannot be divided any further. */
export function strengthWhenDivided(unit: Unit): number {
  const next = order[unit.kind][order[unit.kind].indexOf(unit.grain) + 1];
  return next === undefined || next === 'block' ? 0 : strength[next];
}

/** Two units or more, or undefined when the unit has no boundary left that is as strong as `least`. */
export function divide(unit: Unit, measure: Measure, least = 0): Unit[] | undefined {
  const grains = order[unit.kind];
  for (let at = grains.indexOf(unit.grain) + 1; at < grains.length; at++) {
    const grain = grains[at]!;
    if (grain === 'block' || strength[grain] < least) return undefined;
    const cuts = cutsOf(measure, unit.start, unit.end, grain);
    if (cuts.length === 0) continue;
    return parts(unit, cuts, grain, measure);
  }
  return undefined;
}

function parts(unit: Unit, cuts: readonly number[], grain: Grain, measure: Measure): Unit[] {
  const units: Unit[] = [];
  let start = unit.start;
  let previousEnd = unit.start;
  for (const cut of [...cuts, unit.end]) {
    const first = units.length === 0;
    const part = measure.unit(start, cut, previousEnd, {
      kind: unit.kind,
      grain,
      path: unit.path,
      before: first ? unit.before : strength[grain as Exclude<Grain, 'block'>],
      repeat: first ? unit.repeat : unit.repeatWhenDivided || unit.repeat,
      repeatWhenDivided: unit.repeatWhenDivided || unit.repeat,
    });
    start = cut;
    if (part === undefined) continue;
    if (first) {
      part.gapBytes = unit.gapBytes;
      // Indentation belongs to the block, which has it already.
      part.bytes += part.start - unit.start;
      part.start = unit.start;
    }
    units.push(part);
    previousEnd = part.end;
  }
  return units;
}

/** Offsets inside (start, end) where the slice may be cut at this grain, rising. */
function cutsOf({ source, part }: Measure, start: number, end: number, grain: Grain): number[] {
  // Words and graphemes are gathered to parts: small beside a chunk, and eight to a unit at least.
  const size = Math.max(1, Math.min(part, (end - start) >> 3));
  switch (grain) {
    case 'sentence':
      return gathered(sentenceCuts(source, start, end), start, Math.min(SHORT, size >> 2));
    case 'line':
      return gathered(lineCuts(source, start, end), start, Math.min(SHORT, size >> 2));
    case 'clause':
      return gathered(clauseCuts(source, start, end), start, Math.min(SHORT, size >> 2));
    case 'word':
      return wordCuts(source, start, end, size);
    case 'grapheme':
      return graphemeCuts(source, start, end, size);
    default:
      return codePointCuts(source, start, end, size);
  }
}

/** Without cuts that follow another closely: a million two-letter sentences are not a million units. */
function gathered(cuts: readonly number[], start: number, least: number): number[] {
  let last = start;
  return cuts.filter((cut) => {
    if (cut - last < least) return false;
    last = cut;
    return true;
  });
}

/** A line's end inside a paragraph does not end a sentence: the segmenter sees a space there. */
function sentenceCuts(source: string, start: number, end: number): number[] {
  const cuts: number[] = [];
  if (unpunctuated.test(source.slice(start, end))) return cuts;
  for (let from = start; from < end; ) {
    const to = Math.min(end, from + WINDOW);
    const text = source.slice(from, to).replace(/[\r\n]/g, ' ');
    let last = from;
    for (const { index } of sentences.segment(text)) {
      last = from + index;
      if (last > from && !joinsBack(source, last)) cuts.push(last);
    }
    if (to === end) break;
    // The last sentence may go on: it is looked at again; a window without any end is passed over.
    from = last > from ? last : to;
  }
  return within(cuts, start, end);
}

function lineCuts(source: string, start: number, end: number): number[] {
  const cuts: number[] = [];
  for (let at = source.indexOf('\n', start); at >= 0 && at < end - 1; at = source.indexOf('\n', at + 1))
    cuts.push(at + 1);
  if (cuts.length === 0) {
    for (let at = source.indexOf('\r', start); at >= 0 && at < end - 1; at = source.indexOf('\r', at + 1))
      cuts.push(at + 1);
  }
  return cuts;
}

function clauseCuts(source: string, start: number, end: number): number[] {
  const cuts: number[] = [];
  for (const match of source.slice(start, end).matchAll(clauseEnd)) {
    const at = start + match.index + match[0].length;
    if (!joinsBack(source, at)) cuts.push(at);
  }
  return within(cuts, start, end);
}

/** At white space where there is some, else by the segmenter (Chinese, Japanese, Thai, Khmer, Lao). */
function wordCuts(source: string, start: number, end: number, part: number): number[] {
  const cuts: number[] = [];
  let last = start;
  /** The latest boundary seen after `last`. */
  let candidate = start;
  const offer = (at: number) => {
    if (at - last > part && candidate > last) {
      cuts.push(candidate);
      last = candidate;
    }
    if (at - last > part) {
      cuts.push(at);
      last = at;
    }
    candidate = at;
  };
  for (let from = start; from < end; ) {
    let to = from;
    while (to < end && !isBlank(source.charCodeAt(to))) to++;
    if (to - from > part) {
      for (const at of wordStarts(source, from, to, part >> 3)) if (!joinsBack(source, at)) offer(at);
    }
    while (to < end && isBlank(source.charCodeAt(to))) to++;
    if (to < end && !joinsBack(source, to)) offer(to);
    from = to;
  }
  if (end - last > part && candidate > last) cuts.push(candidate);
  if (cuts.length === 0 && candidate > start) cuts.push(candidate);
  return within(cuts, start, end);
}

/** Where words and signs start in a run without white space; of those closer together than `least`, the first will do. */
function wordStarts(source: string, start: number, end: number, least: number): Iterable<number> {
  return printable.test(source.slice(start, end))
    ? asciiWordStarts(source, start, end, least)
    : segmented(words, source, start, end);
}

/** The segmenter's answer for blobs, addresses and rows of signs, at a fraction of its cost: not between letters, digits and `_`. */
function asciiWordStarts(source: string, start: number, end: number, least: number): number[] {
  const starts: number[] = [];
  for (let at = start + 1; at < end; at++) {
    if (isAsciiWord(source.charCodeAt(at)) && isAsciiWord(source.charCodeAt(at - 1))) continue;
    starts.push(at);
    at += least;
  }
  return starts;
}

function isAsciiWord(unit: number): boolean {
  return (unit >= 48 && unit <= 57) || (unit >= 65 && unit <= 90) || (unit >= 97 && unit <= 122) || unit === 95;
}

function graphemeCuts(source: string, start: number, end: number, part: number): number[] {
  const cuts: number[] = [];
  let last = start;
  if (printable.test(source.slice(start, end))) {
    // Every character is a grapheme; a mark behind the slice is another unit's concern.
    for (; last + part < end; last += part) cuts.push(last + part);
    return cuts;
  }
  for (const at of segmented(graphemes, source, start, end)) {
    if (at - last < part) continue;
    cuts.push(at);
    last = at;
  }
  return within(cuts, start, end);
}

/** The last resort: one grapheme larger than a chunk (a letter under ten thousand marks). Surrogate pairs stay whole. */
function codePointCuts(source: string, start: number, end: number, part: number): number[] {
  const cuts: number[] = [];
  for (let at = start + part; at < end; at += part) {
    const unit = source.charCodeAt(at);
    cuts.push((unit & 0xfc00) === 0xdc00 ? at + 1 : at);
  }
  return within([...new Set(cuts)], start, end);
}

/** Starts of segments after the first, window by window; the last segment of a window begins the next one. */
export function* segmented(segmenter: Intl.Segmenter, source: string, start: number, end: number): Generator<number> {
  for (let from = start; from < end; ) {
    const to = Math.min(end, from + WINDOW);
    let last = from;
    for (const { index } of segmenter.segment(source.slice(from, to))) {
      if (index === 0) continue;
      last = from + index;
      yield last;
    }
    if (to === end) return;
    from = last > from ? last : to;
  }
}

function within(cuts: number[], start: number, end: number): number[] {
  return cuts.filter((cut) => cut > start && cut < end);
}
