/**
 * Programs: strongest at declarations of the top level, then at members of classes and namespaces, then at blank lines, the less indented first. A comment or attribute
 * right above a declaration belongs to it; neighbours of one line each without a blank line between them are one block. The path of a block is the
 * declarations around it. Where there is no syntax tree, a line without indentation behind a blank one begins what a declaration would.
 */
import type { SyntaxNode } from '@lezer/common';
import type { CodeLanguage } from '@sluice/core';
import { syntaxTree } from './code-grammar.ts';
import { type Block, headingText, type Outline, strength } from './outline.ts';

/** A declaration or member: where its line starts (comments above it included), and what is inside it. */
interface Item {
  start: number;
  /** Where the line starts on which its body may begin to be parted. */
  inside: number;
  end: number;
  before: number;
  /** Path of what is before it in its container, and of what is inside it. */
  outer: readonly string[];
  inner: readonly string[];
}

const comment = /Comment$/;
/** Holds members, whatever it belongs to. */
const memberLists = new Set(['ClassBody', 'InterfaceBody', 'DeclarationList', 'FieldDeclarationList']);
/** Holds members where it belongs to one of these. */
const memberListsOf: ReadonlyMap<string, readonly string[]> = new Map([
  ['Body', ['ClassDefinition']],
  ['Block', ['NamespaceDeclaration']],
  ['CompoundStatement', ['NamespaceDefinition', 'LinkageSpecification']],
  ['ObjectType', ['InterfaceDeclaration']],
]);
/** Nodes between a declaration and its list of members at most: export, decorator, template. */
const WRAPPERS = 3;
/** Classes in classes, to be parted. */
const DEEPEST_MEMBERS = 4;
/** Characters of a declaration that are looked at for its first line. */
const HEADER = 400;
const SIGNATURE = 120;

export function codeOutline(source: string, language: CodeLanguage): Outline {
  const tree = syntaxTree(source, language);
  const items: Item[] = [];
  if (tree !== undefined) addItems(source, tree.topNode, [], strength.declaration, items);
  return { source, blocks: blocksOf(source, items, tree === undefined) };
}

/** Adds the items of a container and of those in them, in the order of their starts. */
function addItems(
  source: string,
  container: SyntaxNode,
  outer: readonly string[],
  before: number,
  items: Item[],
): void {
  /** Start of the comments right above, and whether a blank line is above them. */
  let lead: { start: number; apart: boolean } | undefined;
  let previousEnd = container.from;
  let previousLines = 2;
  let first = true;
  for (let node = container.firstChild; node !== null; node = node.nextSibling) {
    if (!/^\w/.test(node.name)) continue;
    const line = ownLine(source, previousEnd, node.from);
    const apart = /\n[ \t]*\r?\n/.test(source.slice(previousEnd, node.from));
    previousEnd = node.to;
    if (apart) lead = undefined;
    if (comment.test(node.name) && node.nextSibling !== null) {
      if (line !== undefined) lead ??= { start: line, apart };
      continue;
    }
    const start = lead?.start ?? line;
    const lines = source
      .slice(start ?? node.from, node.to)
      .trimEnd()
      .includes('\n')
      ? 2
      : 1;
    const nested = outer.length < DEEPEST_MEMBERS ? membersOf(node, WRAPPERS) : [];
    const parted = lines > 1 || previousLines > 1 || (lead?.apart ?? apart);
    if (start !== undefined && line !== undefined && parted) {
      const inner = lines > 1 ? [...outer, signature(source, node)] : outer;
      const strong = first && outer.length > 0 ? strength.glue : before;
      items.push({ start, inside: node.from, end: node.to, before: strong, outer, inner });
      for (const list of nested) addItems(source, list, inner, strength.member, items);
    }
    lead = undefined;
    first = false;
    previousLines = lines;
  }
}

/** Start of the line that `at` is the first thing on; undefined when something is before it. `from` ends the thing before. */
function ownLine(source: string, from: number, at: number): number | undefined {
  const feed = source.slice(from, at).lastIndexOf('\n');
  if (feed < 0 && from > 0 && source[from - 1] !== '\n') return undefined;
  const line = feed < 0 ? from : from + feed + 1;
  return source.slice(line, at).trim() === '' ? line : undefined;
}

function membersOf(node: SyntaxNode, depth: number): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    if (memberLists.has(child.name) || memberListsOf.get(child.name)?.includes(node.name)) found.push(child);
    else if (depth > 0) found.push(...membersOf(child, depth - 1));
  }
  return found;
}

/** The first line of a declaration that is neither comment nor attribute, without what opens its body. */
function signature(source: string, node: SyntaxNode): string {
  const lines = source.slice(node.from, Math.min(node.to, node.from + HEADER)).split('\n');
  const line = lines.find((text) => !/^\s*(?:$|@|#\[|\/\/|\/\*|\*)/.test(text)) ?? lines[0]!;
  return headingText(line.slice(0, SIGNATURE).replace(/(?:=>|[\s{(:=])+$/, ''));
}

/** Items, and the blank lines between and inside them. */
function blocksOf(source: string, items: readonly Item[], unparsed: boolean): Block[] {
  const blocks: Block[] = [];
  /** Items around the line, outermost first. */
  const open: Item[] = [];
  let next = 0;
  let blank = true;
  const add = (start: number, before: number, path: readonly string[]) => {
    if (blocks.length > 0 && start <= blocks.at(-1)!.start) return;
    blocks.push({ kind: 'code', start, before, path, repeat: '' });
  };
  for (let start = 0; start < source.length; ) {
    const feed = source.indexOf('\n', start);
    const end = feed < 0 ? source.length : feed + 1;
    while (open.length > 0 && open.at(-1)!.end <= start) open.pop();
    const item = items[next];
    if (item !== undefined && item.start < end) {
      add(item.start, item.before, item.outer);
      open.push(item);
      next++;
      // Several on one line are one block.
      while (next < items.length && items[next]!.start < end) next++;
      blank = false;
    } else if (/\S/.test(source.slice(start, end))) {
      const around = open.at(-1);
      if (blank && !(around !== undefined && start <= around.inside)) {
        add(start, blankStrength(source, start, unparsed), around?.inner ?? []);
      }
      blank = false;
    } else {
      blank = true;
    }
    start = end;
  }
  return blocks;
}

function blankStrength(source: string, line: number, unparsed: boolean): number {
  const indentation = /^[ \t]*/.exec(source.slice(line, line + 64))![0].replaceAll('\t', '    ').length >> 1;
  if (indentation === 0) return unparsed ? strength.block : strength.paragraph;
  return Math.max(strength.strong, strength.paragraph - indentation);
}
