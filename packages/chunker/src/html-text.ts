/** The text of a page while it is read: blocks with their offsets, white space collapsed outside preformatted text. */
import { GrowingText } from './growing-text.ts';
import {
  type Block,
  HeadingPath,
  headingStrength,
  headingText,
  type Outline,
  repeatable,
  strength,
} from './outline.ts';

export interface HtmlOutline extends Outline {
  title?: string;
}

/** A main part with fewer characters than this is a stub: the whole page is read. */
const LEAST_MAIN = 100;

interface TextBlock {
  text: string;
  kind: Block['kind'];
  before: number;
  level: number;
  /** What parts it from the block before. */
  gap: string;
  repeat: string;
  main: boolean;
}

interface List {
  ordered: boolean;
  item: number;
}

interface Table {
  rows: string[];
  cells: string[];
  header: boolean;
  /** Blocks inside its cells: it lays out a page, so its cells are read as text. */
  layout: boolean;
}

export class HtmlText {
  readonly #blocks: TextBlock[] = [];
  readonly #lists: List[] = [];
  readonly #tables: Table[] = [];
  readonly #text = new GrowingText();
  #heading = 0;
  #pre = 0;
  #quotes = 0;
  #main = 0;
  #item = '';
  #special = false;

  enterMain(): void {
    this.#flush();
    this.#main++;
  }

  leaveMain(): void {
    this.#flush();
    this.#main--;
  }

  characters(chars: string): void {
    if (this.#pre > 0) {
      this.#text.add(chars);
      return;
    }
    const collapsed = chars.replace(/[ \t\n\f\r]+/g, ' ');
    const blankBefore = this.#text.empty || this.#text.endsBlank;
    this.#text.add(blankBefore && collapsed.startsWith(' ') ? collapsed.slice(1) : collapsed);
  }

  lineBreak(): void {
    if (this.#text.empty) return;
    if (this.#pre === 0) this.#text.trimEnd();
    this.#text.add('\n');
  }

  paragraph(): void {
    if (this.#table !== undefined) this.characters(' ');
    else this.#flush();
  }

  openElement(name: string): void {
    switch (name) {
      case 'h1':
      case 'h2':
      case 'h3':
      case 'h4':
      case 'h5':
      case 'h6':
        this.#intoBlock();
        this.#heading = Number(name.slice(1));
        return;
      case 'pre':
        this.#intoBlock();
        this.#pre++;
        return;
      case 'ul':
      case 'ol':
      case 'menu':
        this.#intoBlock();
        this.#lists.push({ ordered: name === 'ol', item: 0 });
        return;
      case 'li': {
        this.#flush();
        const list = this.#lists.at(-1);
        if (list === undefined) return;
        list.item++;
        this.#item = `${'  '.repeat(Math.min(8, this.#lists.length - 1))}${list.ordered ? `${list.item}.` : '-'} `;
        return;
      }
      case 'blockquote':
        this.#intoBlock();
        this.#quotes++;
        return;
      case 'table':
        this.#intoBlock();
        this.#tables.push({ rows: [], cells: [], header: false, layout: false });
        return;
      case 'tr':
        this.#endRow();
        return;
      case 'td':
        this.#endCell();
        return;
      case 'th':
        this.#endCell();
        if (this.#table !== undefined && this.#table.rows.length === 0) this.#table.header = true;
        return;
      default:
        this.paragraph();
    }
  }

  closeElement(name: string): void {
    switch (name) {
      case 'h1':
      case 'h2':
      case 'h3':
      case 'h4':
      case 'h5':
      case 'h6':
        this.#flush();
        this.#heading = 0;
        return;
      case 'pre':
        this.#flush();
        this.#pre--;
        return;
      case 'ul':
      case 'ol':
      case 'menu':
        this.#flush();
        this.#lists.pop();
        this.#special = true;
        return;
      case 'blockquote':
        this.#flush();
        this.#quotes--;
        this.#special = true;
        return;
      case 'table':
        this.#endTable();
        return;
      case 'tr':
        this.#endRow();
        return;
      case 'td':
      case 'th':
        this.#endCell();
        return;
      default:
        this.paragraph();
    }
  }

  finish(title: string): HtmlOutline {
    while (this.#tables.length > 0) this.#endTable();
    this.#flush();
    const main = this.#blocks.filter((block) => block.main);
    const chosen = main.reduce((sum, { text }) => sum + text.length, 0) >= LEAST_MAIN ? main : this.#blocks;
    const path = new HeadingPath();
    const parts: string[] = [];
    let start = 0;
    let afterHeading = false;
    const blocks = chosen.map(({ text, kind, before, level, gap, repeat }, index): Block => {
      if (level > 0) path.enter(level, text);
      if (index > 0) parts.push(gap);
      parts.push(text);
      start += index > 0 ? gap.length : 0;
      const block: Block = {
        kind,
        start,
        before: level > 0 ? headingStrength(level) : afterHeading ? strength.glue : before,
        path: path.current,
        repeat,
      };
      start += text.length;
      afterHeading = level > 0;
      return block;
    });
    const name = headingText(title);
    return { source: parts.join(''), blocks, ...(name !== '' && { title: name }) };
  }

  /** The innermost table whose cells are data. */
  get #table(): Table | undefined {
    const table = this.#tables.at(-1);
    return table?.layout === false ? table : undefined;
  }

  /** A block opens: a table around it lays out, and its cells so far are text. */
  #intoBlock(): void {
    const table = this.#table;
    if (table !== undefined) {
      this.#endRow();
      table.layout = true;
      const text = table.rows.join('\n');
      table.rows = [];
      if (text !== '') this.#push(text, 'prose', strength.paragraph);
    }
    this.#flush();
  }

  #endCell(): void {
    const table = this.#table;
    if (table === undefined) {
      this.#flush();
      return;
    }
    const cell = this.#text.take().replace(/\s+/g, ' ').trim();
    if (cell !== '') table.cells.push(cell);
  }

  #endRow(): void {
    this.#endCell();
    const table = this.#table;
    if (table === undefined || table.cells.length === 0) return;
    table.rows.push(table.cells.join(' | '));
    table.cells = [];
  }

  #endTable(): void {
    if (this.#tables.length === 0) return;
    this.#endRow();
    const table = this.#table;
    if (table !== undefined && table.rows.length > 0) {
      const repeat = table.header && table.rows.length > 1 ? repeatable([table.rows[0]!]) : '';
      this.#push(table.rows.join('\n'), 'table', strength.block, repeat);
    }
    this.#tables.pop();
    this.#special = true;
  }

  #flush(): void {
    if (this.#table !== undefined || this.#text.empty) return;
    const whole = this.#text.take();
    const text = this.#pre > 0 ? whole.replace(/^\n/, '').trimEnd() : whole.trim();
    if (text.trim() === '') return;
    const item = this.#item;
    this.#item = '';
    if (this.#heading > 0) {
      this.#push(text.replace(/\s+/g, ' '), 'heading', 0);
      this.#blocks.at(-1)!.level = this.#heading;
    } else if (this.#pre > 0) {
      this.#push(item === '' ? text : `${item}\n${text}`, 'code', strength.block);
      this.#special = true;
    } else {
      this.#push(item + text, 'prose', this.#proseStrength(item), '', item === '' ? '\n\n' : '\n');
    }
  }

  #proseStrength(item: string): number {
    const depth = this.#lists.length + this.#quotes;
    const special = this.#special;
    this.#special = false;
    if (depth === 0) return special ? strength.block : strength.paragraph;
    const first = depth === 1 && item !== '' && this.#lists[0]?.item === 1;
    return first ? strength.block : Math.max(strength.strong, strength.item - depth + 1);
  }

  #push(text: string, kind: Block['kind'], before: number, repeat = '', gap = '\n\n'): void {
    this.#blocks.push({ text, kind, before, level: 0, gap, repeat, main: this.#main > 0 });
  }
}
