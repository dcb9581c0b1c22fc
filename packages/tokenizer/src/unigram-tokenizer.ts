/**
 * Counts and ids of the XLM-R family. The text is walked once: words between separators (space, tab, line feed, carriage
 * return) are independent, because the reference splits at white space before its model sees anything, so their counts
 * add up and can be remembered. Two exceptions are widened to a unit of their own: a mark right after a space (one grapheme
 * with it), and words that hold an added token such as `</s>`.
 */
import { trait } from './character-table.ts';
import { Charsmap } from './charsmap.ts';
import type { AddedToken, UnigramModel } from './model.ts';
import { PieceMaker, type PieceSink } from './pieces.ts';
import type { Tokenizer } from './tokenizer.ts';
import { PieceCounter, segment } from './unigram.ts';
import { LONGEST_MEMO, WordMemo } from './word-memo.ts';

const SPACE = 0x20;
/** Traits that keep a word off the fast way. */
const SPECIAL = trait.joins | trait.surrogate | trait.added;

export class UnigramTokenizer implements Tokenizer {
  readonly name: string;
  readonly specialTokens: number;
  readonly addsUp = true;
  readonly #model: UnigramModel;
  readonly #traits: Uint16Array;
  /** Longest first, so that the first that fits is the one the reference takes. */
  readonly #added: readonly AddedToken[];
  /** Second characters of added tokens (NaN for a single one): a mere `<` is told from `</s>` by them. */
  readonly #addedSeconds: ReadonlySet<number>;
  readonly #memo = new WordMemo();
  readonly #counter: CountSink;
  readonly #counted: PieceMaker;
  readonly #ids: IdSink;
  readonly #segmented: PieceMaker;

  constructor(model: UnigramModel) {
    this.name = model.name;
    this.specialTokens = model.prefix.length + model.suffix.length;
    this.#model = model;
    this.#traits = model.characters.traits;
    this.#added = [...model.added].sort((a, b) => b.content.length - a.content.length);
    this.#addedSeconds = new Set(model.added.map(({ content }) => content.charCodeAt(1)));
    const charsmap = new Charsmap(model.charsmap);
    this.#counter = new CountSink(new PieceCounter(model.unigram));
    this.#counted = new PieceMaker(model.characters, charsmap, this.#counter);
    this.#ids = new IdSink(model);
    this.#segmented = new PieceMaker(model.characters, charsmap, this.#ids);
  }

  count(text: string, start = 0, end = text.length): number {
    const traits = this.#traits;
    const memo = this.#memo;
    let total = 0;
    for (let at = start; at < end; ) {
      let unit = text.charCodeAt(at);
      if (traits[unit]! & trait.space) {
        at++;
        continue;
      }
      const word = at;
      let seen = traits[unit]!;
      let hash = unit;
      for (at++; at < end; at++) {
        unit = text.charCodeAt(at);
        const bits = traits[unit]!;
        if (bits & trait.space) break;
        seen |= bits;
        hash = Math.imul(hash ^ unit, 0x9e3779b1) ^ (hash >>> 16);
      }
      if (at - word > LONGEST_MEMO || this.#joinsBack(text, word, start, seen)) {
        total += this.#countUnit(text, word, at, seen, start);
        continue;
      }
      let count = memo.get(text, word, at, hash);
      if (count < 0) {
        count = this.#countUnit(text, word, at, seen, start);
        memo.set(text, word, at, hash, count);
      }
      total += count;
    }
    return total;
  }

  encode(text: string): number[] {
    this.#ids.ids = [];
    for (let at = 0; at < text.length; ) {
      if (this.#traits[text.charCodeAt(at)]! & trait.space) {
        at++;
        continue;
      }
      const word = at;
      let seen = 0;
      for (; at < text.length; at++) {
        const bits = this.#traits[text.charCodeAt(at)]!;
        if (bits & trait.space) break;
        seen |= bits;
      }
      const from = this.#joinsBack(text, word, 0, seen) ? word - 1 : word;
      this.#unit(this.#segmented, text, from, at, seen, (id) => this.#ids.ids.push(id));
    }
    return this.#ids.ids;
  }

  encodeWithSpecials(text: string): number[] {
    return [...this.#model.prefix, ...this.encode(text), ...this.#model.suffix];
  }

  /** A word that begins with a mark is one grapheme with the space before it. */
  #joinsBack(text: string, word: number, start: number, seen: number): boolean {
    if ((seen & (trait.joins | trait.surrogate)) === 0 || word === start) return false;
    const first = this.#traits[text.charCodeAt(word)]!;
    return (first & (trait.joins | trait.surrogate)) !== 0 && text.charCodeAt(word - 1) === SPACE;
  }

  #countUnit(text: string, word: number, end: number, seen: number, start: number): number {
    const sink = this.#counter;
    sink.tokens = 0;
    if ((seen & SPECIAL) === 0) {
      this.#counted.plain(text, word, end);
    } else {
      const from = this.#joinsBack(text, word, start, seen) ? word - 1 : word;
      this.#unit(this.#counted, text, from, end, seen, () => sink.tokens++);
    }
    return sink.tokens;
  }

  #addedAt(text: string, at: number, end: number): AddedToken | undefined {
    const seconds = this.#addedSeconds;
    if (!seconds.has(text.charCodeAt(at + 1)) && !seconds.has(Number.NaN)) return undefined;
    return this.#added.find(({ content }) => at + content.length <= end && text.startsWith(content, at));
  }

  #unit(
    maker: PieceMaker,
    text: string,
    start: number,
    end: number,
    seen: number,
    addedToken: (id: number) => void,
  ): void {
    if ((seen & SPECIAL) === 0) {
      maker.plain(text, start, end);
      return;
    }
    let from = start;
    if (seen & trait.added) {
      for (let at = start; at < end; at++) {
        if ((this.#traits[text.charCodeAt(at)]! & trait.added) === 0) continue;
        const token = this.#addedAt(text, at, end);
        if (token === undefined) continue;
        if (from < at) maker.any(text, from, at);
        addedToken(token.id);
        from = at + token.content.length;
        at = from - 1;
      }
    }
    if (from < end) maker.any(text, from, end);
  }
}

class CountSink implements PieceSink {
  tokens = 0;
  readonly #counter: PieceCounter;

  constructor(counter: PieceCounter) {
    this.#counter = counter;
  }

  get empty(): boolean {
    return this.#counter.empty;
  }

  push(unit: number): void {
    this.#counter.push(unit);
  }

  end(): void {
    this.tokens += this.#counter.finish();
  }
}

class IdSink implements PieceSink {
  ids: number[] = [];
  #units: string[] = [];
  readonly #model: UnigramModel;

  constructor(model: UnigramModel) {
    this.#model = model;
  }

  get empty(): boolean {
    return this.#units.length === 0;
  }

  push(unit: number): void {
    this.#units.push(String.fromCharCode(unit));
  }

  end(): void {
    segment(this.#model.unigram, this.#units.join(''), this.ids);
    this.#units = [];
  }
}
