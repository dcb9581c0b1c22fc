/**
 * Bytes to lines with bounded memory: a line longer than the limit is skipped up to its newline and reported, the lines
 * after it are read as if nothing had happened. Lines keep their number; CR before LF is dropped.
 */
export type Line = { number: number; bytes: Buffer } | { number: number; tooLong: true };

export async function* readLines(chunks: AsyncIterable<Buffer>, maxLineBytes: number): AsyncGenerator<Line> {
  let number = 1;
  let parts: Buffer[] = [];
  let length = 0;
  let skipping = false;

  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(10, from); at !== -1; at = chunk.indexOf(10, from)) {
      yield finish(chunk.subarray(from, at));
      from = at + 1;
    }
    const rest = chunk.subarray(from);
    if (skipping || rest.length === 0) continue;
    length += rest.length;
    if (length > maxLineBytes) {
      skipping = true;
      parts = [];
    } else {
      parts.push(rest);
    }
  }
  if (parts.length > 0 || skipping) yield finish(Buffer.alloc(0));

  function finish(last: Buffer): Line {
    const line: Line =
      skipping || length + last.length > maxLineBytes
        ? { number, tooLong: true }
        : { number, bytes: withoutCarriageReturn(parts.length === 0 ? last : Buffer.concat([...parts, last])) };
    number += 1;
    parts = [];
    length = 0;
    skipping = false;
    return line;
  }
}

function withoutCarriageReturn(line: Buffer): Buffer {
  return line.at(-1) === 13 ? line.subarray(0, -1) : line;
}
