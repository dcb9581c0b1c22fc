/**
 * What every format is read into: the source, and its blocks in order. Blocks divide the whole source: each reaches to the
 * start of the next, so no character can be lost whatever the parser skipped.
 */

/** Strength of a boundary: where two neighbours may be parted, and how gladly. Larger is stronger. */
export const strength = {
  /** A heading of level 1; each deeper level is five less (75 for level 6). */
  heading: 100,
  headingStep: 5,
  /** A declaration of a program's top level; as strong as a heading of level 5. */
  declaration: 80,
  /** A member of a class, trait or namespace. */
  member: 75,
  /** Start or end of a fence, table, list or quotation. */
  block: 60,
  paragraph: 50,
  /** A list item; deeper ones one less each, down to 42. */
  item: 45,
  /** Least strength that a chunk is closed at gladly. */
  strong: 42,
  sentence: 30,
  line: 25,
  clause: 20,
  /** Between a heading and what it heads. */
  glue: 15,
  word: 10,
  grapheme: 2,
  /** Inside a grapheme: only when that grapheme alone is too large. */
  codePoint: 1,
} as const;

export function headingStrength(level: number): number {
  return strength.heading - (level - 1) * strength.headingStep;
}

export type BlockKind = 'heading' | 'prose' | 'code' | 'table';

export interface Block {
  kind: BlockKind;
  /** UTF-16 offset where the block starts; it ends where the next one starts. */
  start: number;
  /** Strength of the boundary before it. */
  before: number;
  /** Headings above it, outermost first; a heading's own text is its last entry. One array per section. */
  path: readonly string[];
  /** What a later part of it needs to be understood: a fence opener, a table's header. Ends with a line feed. */
  repeat: string;
}

export interface Outline {
  source: string;
  blocks: Block[];
}

/** FNV-1a of `length` code units from `at` on: what decides between boundaries that nothing else tells apart, wherever they are in the text. */
export function boundaryHash(source: string, at: number, length: number): number {
  let hash = 0x811c9dc5;
  for (let end = Math.min(source.length, at + length); at < end; at++) {
    hash = Math.imul(hash ^ source.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
}

/** Heading texts are shown and counted with every chunk below them: longer ones are cut. */
const HEADING_CHARACTERS = 200;

/** A heading as it stands in a path: one line, not over-long. */
export function headingText(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= HEADING_CHARACTERS ? line : `${[...line.slice(0, HEADING_CHARACTERS)].slice(0, -1).join('')}…`;
}

/** A fence opener or table header longer than this is not worth repeating. */
const LONGEST_REPEAT = 2_000;

/** `lines`, each ended by a line feed, to go before later parts of a block; nothing when they are over-long. */
export function repeatable(lines: readonly string[]): string {
  const text = lines.map((line) => `${line}\n`).join('');
  return text.length <= LONGEST_REPEAT ? text : '';
}

/** The path under construction: entering a heading leaves all of its level and deeper. */
export class HeadingPath {
  #levels: number[] = [];
  #texts: readonly string[] = [];

  get current(): readonly string[] {
    return this.#texts;
  }

  enter(level: number, text: string): readonly string[] {
    const kept = this.#levels.findIndex((other) => other >= level);
    const depth = kept < 0 ? this.#levels.length : kept;
    this.#levels = [...this.#levels.slice(0, depth), level];
    this.#texts = [...this.#texts.slice(0, depth), headingText(text)];
    return this.#texts;
  }
}
