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

export class ContextMaker {
  readonly #tokenizer: Tokenizer;
  readonly #title: string | undefined;
  readonly #headings: boolean;
  readonly #mostTokens: number;
  readonly #known = new Map<string, Context>();

  /** `mostTokens`: what a context may take. */
  constructor(tokenizer: Tokenizer, title: string | undefined, headings: boolean, mostTokens: number) {
    this.#tokenizer = tokenizer;
    this.#title = title === undefined ? undefined : headingText(title);
    this.#headings = headings;
    this.#mostTokens = mostTokens;
  }

  /** The context of a chunk that starts with `first`. */
  of(first: Unit): Context {
    const repeat = this.#fits(first.repeat) ? first.repeat : '';
    const room = this.#mostTokens - this.#count(repeat);
    const path = this.#headings ? this.#path(first) : [];
    for (let from = 0; from <= path.length; from++) {
      const line = from === path.length ? '' : `${path.slice(from).join(SEPARATOR)}\n\n`;
      if (this.#count(line) <= room) return { text: line + repeat, tokens: this.#count(line) + this.#count(repeat) };
    }
    return { text: repeat, tokens: this.#count(repeat) };
  }

  /** Title and headings above the chunk; a heading that the chunk itself begins with is in its text already. */
  #path(first: Unit): string[] {
    const own = first.kind === 'heading' && first.repeat === '' ? first.path.slice(0, -1) : first.path;
    const title = this.#title;
    return title === undefined || title === '' || first.path[0] === title ? [...own] : [title, ...own];
  }

  #fits(text: string): boolean {
    return this.#count(text) <= this.#mostTokens;
  }

  #count(text: string): number {
    return this.#counted(text).tokens;
  }

  #counted(text: string): Context {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const context = { text, tokens: this.#tokenizer.count(text.normalize('NFC')) };
    this.#known.set(text, context);
    return context;
  }
}
