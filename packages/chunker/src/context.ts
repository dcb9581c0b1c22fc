/**
 * What is put before a chunk's text to make the embedded text: title › section › sub, and the opener of a fence or the header of
 * a table that began in an earlier chunk. It takes a quarter of a chunk at most: outer headings go first, then the opener.
 */
import type { Tokenizer } from '@sluice/tokenizer';
import { headingText } from './outline.ts';
import type { Unit } from './unit.ts';

const SEPARATOR = ' › ';

export interface Context {
  text: string;
  tokens: number;
}

const none: Context = { text: '', tokens: 0 };

export class ContextMaker {
  readonly #tokenizer: Tokenizer;
  readonly #title: string | undefined;
  readonly #headings: boolean;
  readonly #mostTokens: number;
  /** Counts of lines and openers; one a section, so the paths themselves are remembered and not their texts. */
  readonly #known = new Map<readonly string[], { own?: Context; whole?: Context }>();

  /** `mostTokens`: what a context may take. */
  constructor(tokenizer: Tokenizer, title: string | undefined, headings: boolean, mostTokens: number) {
    this.#tokenizer = tokenizer;
    this.#title = title === undefined ? undefined : headingText(title);
    this.#headings = headings;
    this.#mostTokens = mostTokens;
  }

  /** The context of a chunk that starts with `first`. */
  of(first: Unit): Context {
    const lines = this.#lines(first);
    if (first.repeat === '') return lines;
    const repeat = { text: first.repeat, tokens: this.#count(first.repeat) };
    if (repeat.tokens > this.#mostTokens) return lines;
    if (repeat.tokens + lines.tokens > this.#mostTokens) return repeat;
    return { text: lines.text + repeat.text, tokens: lines.tokens + repeat.tokens };
  }

  /** Title and headings above the chunk; a heading that the chunk itself begins with is in its text already. */
  #lines(first: Unit): Context {
    if (!this.#headings) return none;
    const { path } = first;
    let known = this.#known.get(path);
    if (known === undefined) {
      known = {};
      this.#known.set(path, known);
    }
    if (first.kind === 'heading' && first.grain === 'block') {
      known.own ??= this.#fitting(path.slice(0, -1), path[0]);
      return known.own;
    }
    known.whole ??= this.#fitting(path, path[0]);
    return known.whole;
  }

  /** As much of the path as fits, outer headings left out first. */
  #fitting(path: readonly string[], outermost: string | undefined): Context {
    const title = this.#title;
    const entries = title === undefined || title === '' || outermost === title ? path : [title, ...path];
    for (let from = 0; from < entries.length; from++) {
      const text = `${entries.slice(from).join(SEPARATOR)}\n\n`;
      const tokens = this.#count(text);
      if (tokens <= this.#mostTokens) return { text, tokens };
    }
    return none;
  }

  #count(text: string): number {
    return this.#tokenizer.count(text.normalize('NFC'));
  }
}
