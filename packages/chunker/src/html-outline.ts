/**
 * HTML: the main text, with headings, lists, tables and preformatted text, as the source that offsets refer to.
 *
 * Read with the WHATWG tokenizer of parse5, without its tree: nothing is kept of an element but its name while it is open, so
 * memory is that of the text, and time is linear however deep or unclosed the markup is. Navigation, asides, footers,
 * scripts and what is hidden are left out; where a page has a `main` (or `article`) with text, only that is read.
 */
import { type Token, Tokenizer, TokenizerMode } from 'parse5';
import { type HtmlOutline, HtmlText } from './html-text.ts';

const voidElements = new Set(
  'area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr'.split(' '),
);
/** Content is text up to the end tag: character references are read in the first two, nothing in the others. */
const textModes = new Map<string, typeof Tokenizer.prototype.state>([
  ['title', TokenizerMode.RCDATA],
  ['textarea', TokenizerMode.RCDATA],
  ['style', TokenizerMode.RAWTEXT],
  ['xmp', TokenizerMode.RAWTEXT],
  ['iframe', TokenizerMode.RAWTEXT],
  ['noembed', TokenizerMode.RAWTEXT],
  ['noframes', TokenizerMode.RAWTEXT],
  ['script', TokenizerMode.SCRIPT_DATA],
  ['plaintext', TokenizerMode.PLAINTEXT],
]);
const skippedElements = new Set(
  'script style template noscript iframe noembed noframes object canvas audio video svg math select textarea button nav aside footer dialog datalist'.split(
    ' ',
  ),
);
const skippedRoles = new Set(['navigation', 'contentinfo', 'complementary', 'search', 'banner']);
/** Their end tags may be missing or implied; they part text but hold nothing of ours. */
const unstacked = new Set(
  'p li dt dd tr td th thead tbody tfoot option optgroup colgroup caption rt rp html body'.split(' '),
);
/** Which of them a start tag ends beside one of its own name, and which of them start and end tags do, because they hold them. */
const siblings = new Map<string, readonly string[]>([
  ['dt', ['dd']],
  ['dd', ['dt']],
  ['td', ['th']],
  ['th', ['td']],
  ['thead', ['tbody', 'tfoot']],
  ['tbody', ['thead', 'tfoot']],
  ['tfoot', ['thead', 'tbody']],
  ['rt', ['rp']],
  ['rp', ['rt']],
]);
const held = new Map<string, readonly string[]>([
  ['tr', ['td', 'th']],
  ['thead', ['td', 'th', 'tr']],
  ['tbody', ['td', 'th', 'tr']],
  ['tfoot', ['td', 'th', 'tr']],
]);
/** What is in one of these is no sibling of what is around it, so it ends nothing there. */
const enclosing = new Set(['ul', 'ol', 'menu', 'dl', 'table']);
/** What cannot be in a paragraph, and ends it. */
const endsParagraph = new Set(
  'address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr li listing main menu nav ol p plaintext pre search section summary table ul xmp'.split(
    ' ',
  ),
);
/** Elements that neither begin nor end a block. */
const inline = new Set(
  'a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q ruby rb rt rp s samp small span strike strong sub sup time tt u var wbr img input'.split(
    ' ',
  ),
);

interface Open {
  name: string;
  skips: boolean;
  main: boolean;
}

export function htmlOutline(html: string): HtmlOutline {
  const text = new HtmlText();
  const stack: Open[] = [];
  /** How many of each name are open, so that an end tag without a start costs nothing. */
  const open = new Map<string, number>();
  /** Places in the stack of hidden paragraphs, items and cells, by name, and of what encloses: which of the two is nearer decides whose a tag is. */
  const hidden = new Map<string, number[]>();
  const enclosures: number[] = [];
  let skipping = 0;
  let inTitle = false;
  let title = '';

  const close = (name: string) => {
    if (!open.get(name)) return;
    for (;;) {
      const element = stack.pop()!;
      open.set(element.name, open.get(element.name)! - 1);
      if (enclosing.has(element.name)) enclosures.pop();
      if (element.skips) skipping--;
      if (element.skips && unstacked.has(element.name)) hidden.get(element.name)!.pop();
      if (element.main) text.leaveMain();
      if (element.name === 'title') inTitle = false;
      if (skipping === 0 && !inline.has(element.name)) text.closeElement(element.name);
      if (element.name === name) return;
    }
  };
  /** Ends an open hidden paragraph, item or cell of this name, unless a list or table inside it is open: then the tag belongs to that. */
  const closeSibling = (name: string): boolean => {
    const at = skipping === 0 ? undefined : hidden.get(name)?.at(-1);
    if (at === undefined || at < (enclosures.at(-1) ?? -1)) return false;
    close(name);
    return true;
  };

  const tokenizer: Tokenizer = new Tokenizer(
    { sourceCodeLocationInfo: false },
    {
      onStartTag(token) {
        const name = token.tagName;
        const foreign = skipping > 0 && (open.get('svg') || open.get('math'));
        const mode = foreign ? undefined : textModes.get(name);
        if (mode !== undefined) tokenizer.state = mode;
        if (skipping > 0) {
          // A hidden paragraph or item ends where the next one starts.
          for (const other of held.get(name) ?? []) closeSibling(other);
          for (const other of siblings.get(name) ?? []) closeSibling(other);
          if (unstacked.has(name)) closeSibling(name);
          if (!foreign && endsParagraph.has(name)) closeSibling('p');
        }
        if (name === 'p' && skipping === 0) text.paragraph();
        if (voidElements.has(name) || (token.selfClosing && (foreign || name === 'svg' || name === 'math'))) {
          if (skipping === 0 && name === 'br') text.lineBreak();
          if (skipping === 0 && name === 'hr') text.paragraph();
          return;
        }
        if (name === 'title' && !foreign && title === '') inTitle = true;
        if (skipping === 0 && !inline.has(name)) text.openElement(name);
        if (unstacked.has(name) && !skips(token)) return;
        const element = { name, skips: skips(token), main: isMain(token) };
        if (element.skips) skipping++;
        if (element.main) text.enterMain();
        if (enclosing.has(name)) enclosures.push(stack.length);
        if (unstacked.has(name)) {
          const places = hidden.get(name) ?? [];
          places.push(stack.length);
          hidden.set(name, places);
        }
        stack.push(element);
        open.set(name, (open.get(name) ?? 0) + 1);
      },
      onEndTag({ tagName }) {
        if (unstacked.has(tagName)) {
          if (skipping > 0) for (const other of held.get(tagName) ?? []) closeSibling(other);
          if (!closeSibling(tagName) && skipping === 0) text.closeElement(tagName);
        } else if (/^h[1-6]$/.test(tagName)) {
          // Any heading's end tag ends the open heading, as in the standard.
          for (const level of '123456') close(`h${level}`);
        } else {
          close(tagName);
        }
      },
      onCharacter({ chars }) {
        if (inTitle) title += chars;
        else if (skipping === 0) text.characters(chars);
      },
      onWhitespaceCharacter({ chars }) {
        if (inTitle) title += chars;
        else if (skipping === 0) text.characters(chars);
      },
      onNullCharacter() {},
      onComment() {},
      onDoctype() {},
      onEof() {},
    },
  );
  tokenizer.write(html, true);
  return text.finish(title);
}

function attribute(token: Token.TagToken, name: string): string | undefined {
  return token.attrs.find((attr) => attr.name === name)?.value;
}

function skips(token: Token.TagToken): boolean {
  if (skippedElements.has(token.tagName)) return true;
  if (token.attrs.length === 0) return false;
  const role = attribute(token, 'role');
  return (
    (role !== undefined && skippedRoles.has(role)) ||
    attribute(token, 'hidden') !== undefined ||
    attribute(token, 'aria-hidden') === 'true' ||
    // The sign beside a heading that links to itself.
    (token.tagName === 'a' && /(?:^|\s)(?:headerlink|anchor)(?:\s|$)/.test(attribute(token, 'class') ?? ''))
  );
}

function isMain(token: Token.TagToken): boolean {
  return token.tagName === 'main' || token.tagName === 'article' || attribute(token, 'role') === 'main';
}
