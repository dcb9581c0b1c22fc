/**
 * The JSON of a reply, without the strings that make up nearly all of it: a vector in base64 is 5,464 characters. Those stay in the
 * body until somebody asks for them, so that a reply of 180 kB is neither made a string as a whole nor copied by JSON.parse: a quarter
 * of the cost of parsing it as it is.
 *
 * Invariant: what `value` and `text` give together is what JSON.parse would have given.
 */
import { randomUUID } from 'node:crypto';
import { ReplyShapeError } from './protocol.ts';

export interface ReplyJson {
  value: unknown;
  /** The string, or name of a field, that stands in `value` at this place, in full. */
  text(this: void, placed: string): string;
}

/** Shorter strings are cheaper to parse than to leave out. */
const LONG = 256;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** What stands in for a long string; no engine can guess it. */
const mark = `${randomUUID()} `;

/**
 * JSON, and Python's variant of it, in which a broken vector holds bare NaN or Infinity: those become null. Read as Latin-1, cheaper
 * than UTF-8: all that is used of a reply is ASCII, and bytes above it stand inside strings only.
 * Throws a ReplyShapeError when it is neither.
 */
export function parseReply(body: Buffer): ReplyJson {
  const long: { start: number; end: number }[] = [];
  const text = (placed: string) => {
    if (!placed.startsWith(mark)) return placed;
    const { start, end } = long[Number(placed.slice(mark.length))]!;
    return body.toString('latin1', start, end);
  };
  try {
    return { value: parse(withoutLong(body, long)), text };
  } catch {
    // Something escaped in a long string, or no JSON at all.
    try {
      return { value: parse(body.toString('latin1')), text: (whole) => whole };
    } catch {
      throw new ReplyShapeError('JSON', `${body.length} bytes that are not`);
    }
  }
}

/**
 * The body with a mark in place of each long string. Throws at an escaped quote: from there on, strings would be taken for what is between
 * them; and at a long string with any other escape (PHP writes `\/`, .NET `\u002B`, both of which base64 needs): it is not what stands there.
 */
function withoutLong(body: Buffer, long: { start: number; end: number }[]): string {
  let rest = '';
  let from = 0;
  let open = body.indexOf(QUOTE);
  let escaped = nextEscape(0);
  while (open !== -1) {
    const close = body.indexOf(QUOTE, open + 1);
    if (close === -1 || body[close - 1] === BACKSLASH) throw new SyntaxError('not plain');
    if (close - open > LONG) {
      if (escaped < open) escaped = nextEscape(open);
      if (escaped < close) throw new SyntaxError('not plain');
      rest += body.toString('latin1', from, open + 1) + mark + long.length;
      long.push({ start: open + 1, end: close });
      from = close;
    }
    open = body.indexOf(QUOTE, close + 1);
  }
  return rest + body.toString('latin1', from);

  function nextEscape(after: number): number {
    const at = body.indexOf(BACKSLASH, after);
    return at === -1 ? body.length : at;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(text.replace(/(?<=[[,\s])-?(?:NaN|Infinity)(?=[\],\s])/g, 'null'));
  }
}
