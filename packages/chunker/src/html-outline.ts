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
  let skipping = 0;
  let inTitle = false;
  let title = '';

  const close = (name: string) => {
    if (!open.get(name)) return;
    for (;;) {
      const element = stack.pop()!;
      open.set(element.name, open.get(element.name)! - 1);
      if (element.skips) skipping--;
      if (element.main) text.leaveMain();
      if (element.name === 'title') inTitle = false;
      if (skipping === 0 && !inline.has(element.name)) text.closeElement(element.name);
      if (element.name === name) return;
    }
  };

  const tokenizer: Tokenizer = new Tokenizer(
    { sourceCodeLocationInfo: false },
    {
      onStartTag(token) {
        const name = token.tagName;
        const foreign = open.get('svg') || open.get('math');
        const mode = foreign ? undefined : textModes.get(name);
        if (mode !== undefined) tokenizer.state = mode;
        // A hidden paragraph or item ends where the next one starts.
        if (open.get(name) && unstacked.has(name)) close(name);
        if (open.get('p') && !inline.has(name)) close('p');
        if (name === 'p' && skipping === 0) text.paragraph();
        if (voidElements.has(name) || (foreign && token.selfClosing)) {
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
        stack.push(element);
        open.set(name, (open.get(name) ?? 0) + 1);
      },
      onEndTag({ tagName }) {
        if (open.get(tagName) && unstacked.has(tagName)) {
          close(tagName);
        } else if (unstacked.has(tagName)) {
          if (skipping === 0) text.closeElement(tagName);
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
