/**
 * markdown-it's block state with lighter tokens: a page of table cells or list items is mostly tokens that only a renderer needs
 * (cells, closings, inline content), and they cost more than all the parsing. Those are handed to the rules and not kept.
 */
import MarkdownIt, { type Token } from 'markdown-it';

const kept = new Set([
  'heading_open',
  'paragraph_open',
  'fence',
  'code_block',
  'html_block',
  'hr',
  'table_open',
  'bullet_list_open',
  'bullet_list_close',
  'ordered_list_open',
  'ordered_list_close',
  'blockquote_open',
  'blockquote_close',
]);

export class BlockState extends MarkdownIt.StateBlock {
  override push(type: string, tag: string, nesting: -1 | 0 | 1): Token {
    if (nesting < 0) this.level--;
    const keeps = kept.has(type) || (type === 'inline' && this.tokens.at(-1)?.type === 'heading_open');
    const token = keeps ? light(type, tag, nesting, this.level) : scratch;
    if (nesting > 0) this.level++;
    if (keeps) this.tokens.push(token);
    return token;
  }
}

/** Written to by rules, read by nobody. */
const scratch = light('', '', 0, 0);

/** The fields that block rules write; the methods of a real token are a renderer's. */
function light(type: string, tag: string, nesting: -1 | 0 | 1, level: number): Token {
  const fields: Partial<Token> = {
    type,
    tag,
    nesting,
    level,
    map: null,
    content: '',
    markup: '',
    info: '',
    children: null,
    attrs: null,
    hidden: false,
    block: true,
    meta: null,
  };
  return fields as Token;
}
