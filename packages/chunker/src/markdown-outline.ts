/**
 * Markdown: CommonMark with tables, by markdown-it's block rules. Inline rules are left off (nobody needs links resolved to
 * find a paragraph's end), and so are reference definitions, which then stay as the paragraphs they look like. Line numbers
 * of the parser lead back to offsets of the source, which is never rewritten.
 */
import MarkdownIt, { type Token } from 'markdown-it';
import { BlockState } from './block-state.ts';
import {
  type Block,
  boundaryHash,
  HeadingPath,
  headingStrength,
  type Outline,
  repeatable,
  strength,
} from './outline.ts';

const parser = new MarkdownIt({ html: true });
parser.core.ruler.enableOnly(['normalize', 'block']);
parser.block.ruler.disable('reference');
parser.block.State = BlockState;
/** Inline rules are wanted for headings alone: their text without its marks. */
const headings = new MarkdownIt({ html: true });

/** List items shorter than this are four to a block as a rule, chosen by their text: a hundred thousand of them cost less, and an edit still moves no other. */
const TINY_ITEM = 32;
const TINY_ITEMS_TOGETHER = 4;

/** Headings longer than this keep their marks: a path shows their beginning only. */
const LONGEST_PARSED_HEADING = 2_000;
/** A blank line right behind the opener makes it a line across: what is between two of those is the document. */
const frontMatter = /^---[ \t]*\r?\n(?![ \t]*\r?\n)(?:[\s\S]*?\n)??(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/;

export function markdownOutline(source: string): Outline {
  const front = source.startsWith('---') ? (frontMatter.exec(source)?.[0].length ?? 0) : 0;
  const body = front === 0 ? source : source.slice(front);
  const lines = lineStarts(body);
  const tokens = parser.parse(body, {});
  const path = new HeadingPath();
  const blocks: Block[] = [];
  if (front > 0) blocks.push({ kind: 'prose', start: 0, before: strength.block, path: [], repeat: '' });

  const offset = (line: number) => front + (lines[line] ?? body.length);
  const lineText = (line: number) => source.slice(offset(line), offset(line + 1)).trim();
  /** Depth of lists and quotations around the token. */
  let depth = 0;
  /** Strength asked for by containers that open where the next block starts. */
  let pending = 0;
  /** The last block of the top level was a fence, table, list or quotation. */
  let special = false;
  let afterHeading = false;
  /** Start of the block before, kept or not. */
  let previous = 0;

  const add = (token: Token, kind: Block['kind'], own: number, repeat = '') => {
    const start = offset(token.map![0]);
    const before = afterHeading ? strength.glue : Math.max(pending, own);
    pending = 0;
    afterHeading = false;
    if (blocks.length > 0 && start <= blocks.at(-1)!.start) return; // opened on the same line: one block
    const tiny = start - previous < TINY_ITEM && depth > 0 && before <= strength.item && kind === 'prose';
    previous = start;
    if (tiny && boundaryHash(source, start, TINY_ITEM) % TINY_ITEMS_TOGETHER !== 0) return;
    blocks.push({ kind, start, before, path: path.current, repeat });
  };

  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!;
    const inside = Math.max(strength.strong, strength.item - depth);
    const top = depth === 0 ? (special ? strength.block : strength.paragraph) : inside;
    switch (token.type) {
      case 'heading_open':
        if (token.level === 0) {
          const level = Number(token.tag.slice(1));
          path.enter(level, plainHeading(tokens[at + 1]?.content ?? ''));
          afterHeading = false;
          add(token, 'heading', headingStrength(level));
          afterHeading = true;
          special = false;
        } else {
          add(token, 'prose', inside);
        }
        break;
      case 'paragraph_open':
      case 'html_block':
      case 'hr':
        add(token, 'prose', top);
        if (depth === 0) special = false;
        break;
      case 'fence':
      case 'code_block': {
        const opener = token.type === 'fence' ? repeatable([`${token.markup}${token.info}`]) : '';
        add(token, 'code', depth === 0 ? strength.block : inside, opener);
        if (depth === 0) special = true;
        break;
      }
      case 'table_open': {
        const first = token.map![0];
        add(token, 'table', depth === 0 ? strength.block : inside, repeatable([lineText(first), lineText(first + 1)]));
        if (depth === 0) special = true;
        break;
      }
      case 'bullet_list_open':
      case 'ordered_list_open':
      case 'blockquote_open':
        pending = Math.max(pending, depth === 0 ? strength.block : inside);
        depth++;
        break;
      case 'bullet_list_close':
      case 'ordered_list_close':
      case 'blockquote_close':
        depth--;
        if (depth === 0) special = true;
        break;
    }
  }
  return { source, blocks };
}

/** Offsets where lines start, by the parser's own rule: \r\n, \n and \r end a line. */
function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 10 || (unit === 13 && text.charCodeAt(at + 1) !== 10)) starts.push(at + 1);
  }
  return starts;
}

function plainHeading(content: string): string {
  if (content.length > LONGEST_PARSED_HEADING || !/[[\]*_`<&\\!~]/.test(content)) return content;
  const [inline] = headings.parseInline(content, {});
  const parts = (inline?.children ?? []).map(({ type, content: text }) =>
    type === 'text' || type === 'code_inline' || type === 'text_special' ? text : type.endsWith('break') ? ' ' : '',
  );
  const plain = parts.join('').trim();
  return plain === '' ? content : plain;
}
