/**
 * Syntax trees of programs, by Lezer's grammars. They read any text, broken or unfinished, but a text made to hurt can cost them a second a kilobyte
 * and gigabytes: so what a parse reads and how deep it nests is bounded, both by counts, so that every machine decides alike. A text over a bound has no tree.
 */
import { createRequire } from 'node:module';
import type { Input, Parser, PartialParse, Tree } from '@lezer/common';
import type { CodeLanguage } from '@sluice/core';

interface Grammar {
  parser: Parser & { configure(options: { dialect: string }): Parser };
}

/** Loaded with the first program in its language: all of them are 12 MB and a tenth of a second, and most runs read none. */
const require = createRequire(import.meta.url);
const grammars: Record<Exclude<CodeLanguage, 'code'>, () => Parser> = {
  cpp: () => (require('@lezer/cpp') as Grammar).parser,
  go: () => (require('@lezer/go') as Grammar).parser,
  java: () => (require('@lezer/java') as Grammar).parser,
  javascript: () => (require('@lezer/javascript') as Grammar).parser.configure({ dialect: 'jsx' }),
  php: () => (require('@lezer/php') as Grammar).parser,
  python: () => (require('@lezer/python') as Grammar).parser,
  rust: () => (require('@lezer/rust') as Grammar).parser,
  tsx: () => (require('@lezer/javascript') as Grammar).parser.configure({ dialect: 'ts jsx' }),
  typescript: () => (require('@lezer/javascript') as Grammar).parser.configure({ dialect: 'ts' }),
};
const loaded = new Map<CodeLanguage, Parser>();

function parserOf(language: Exclude<CodeLanguage, 'code'>): Parser {
  const parser = loaded.get(language) ?? grammars[language]();
  loaded.set(language, parser);
  return parser;
}

/** Code units. A program that people read is smaller; bundles and generated tables are larger. */
const LONGEST_PARSED = 500_000;
/** Numbers on the parser's stack, three an open construct; 507 is the most in 2.9 MB of published TypeScript and JavaScript. */
const DEEPEST = 3_000;
/** Steps for each code unit parsed, alternatives counted: 1 in that text, 12 in templates of C++ that never close. */
const MOST_STEPS = 4;
/** Code units asked for, for each parsed: looking ahead makes it up to 20 there, a comment opened in each line thousands. */
const MOST_ASKED = 64;
/** Code units by which a parse may be ahead of these two. */
const HEAD_START = 8_192;
/** Code units handed over at a time: small, so that what is asked for is close to what is read. */
const PORTION = 512;

/** undefined: there is no grammar for it, or the text is over a bound. */
export function syntaxTree(source: string, language: CodeLanguage): Tree | undefined {
  if (language === 'code' || source.length > LONGEST_PARSED) return undefined;
  const input = new CountedInput(source);
  const parse: WatchedParse = parserOf(language).startParse(input);
  let steps = 0;
  for (;;) {
    const tree = parse.advance();
    if (tree !== null) return tree;
    for (const { stack } of parse.stacks ?? []) {
      steps++;
      if (stack.length > DEEPEST) return undefined;
    }
    const parsed = parse.parsedPos + HEAD_START;
    if (steps > MOST_STEPS * parsed || input.asked > MOST_ASKED * parsed) return undefined;
  }
}

/** The parser's own stacks, one an alternative: not in its types, so the version is exact and a test parses what only these bounds stop. */
interface WatchedParse extends PartialParse {
  stacks?: { stack: number[] }[];
}

class CountedInput implements Input {
  readonly length: number;
  readonly lineChunks = false;
  readonly #source: string;
  /** Code units asked for so far. */
  asked = 0;

  constructor(source: string) {
    this.#source = source;
    this.length = source.length;
  }

  chunk(from: number): string {
    this.asked += PORTION;
    return this.#source.slice(from, from + PORTION);
  }

  read(from: number, to: number): string {
    return this.#source.slice(from, to);
  }
}
