/**
 * Inputs to documents, as a stream with one document in memory at a time. Whatever is wrong with one item costs that item:
 * it comes out as `rejected` (or `skipped`) with its code, and reading goes on.
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { SluiceError, type SourceDocument, type TextFormat } from '@sluice/core';
import { decodeText } from './decode.ts';
import { extractedFormats } from './extract/extracted-format.ts';
import { Extractor } from './extract/extractor.ts';
import { fault, faultOf } from './fault.ts';
import { formatOf } from './file-format.ts';
import type { FileFormat, Manner, ReadLimits, SourceItem, SourceRoot } from './item.ts';
import { checkId, checkUnicode, parseRecord } from './parse-record.ts';
import { createPattern } from './pattern.ts';
import { readLines } from './read-lines.ts';
import { READ_FLAGS, readSmallFile } from './read-small-file.ts';
import type { Input } from './roots.ts';
import { type WalkEntry, walk } from './walk.ts';

export interface ReadOptions extends ReadLimits {
  stdin: AsyncIterable<Buffer>;
  /** What standard input holds; NDJSON unless said otherwise. */
  stdinFormat?: FileFormat | undefined;
  /** The id of the document on standard input, when it is not NDJSON. */
  stdinId?: string | undefined;
}

const PIECE_BYTES = 1_048_576;
/** Small files are read without waiting: everything else has its turn after so many, a few milliseconds. */
const FILES_A_TURN = 64;

export async function* readDocuments(inputs: readonly Input[], options: ReadOptions): AsyncGenerator<SourceItem> {
  const extractor = new Extractor({ maxInflatedBytes: options.maxDocumentBytes });
  try {
    yield* readInputs(inputs, { ...options, extractor });
  } finally {
    await extractor.close();
  }
}

type Reading = ReadOptions & { extractor: Extractor };

async function* readInputs(inputs: readonly Input[], options: Reading): AsyncGenerator<SourceItem> {
  for (const input of inputs) {
    switch (input.kind) {
      case 'missing':
        yield {
          type: 'rejected',
          fault: fault('missing_path', input.path, 'There is no such file or folder, or the pattern matches nothing'),
        };
        break;
      case 'stdin':
        yield* readStandardInput(input.source, options);
        break;
      case 'file':
        yield* readPath(input.path, relativeTo(input.source, input.path), input.source, 'named', options);
        break;
      case 'folder':
        yield* readWalked(walk(input.source.root), input.source, options);
        break;
      case 'pattern':
        yield* readPattern(input.pattern, input.source, options);
        break;
    }
  }
}

async function* readWalked(
  entries: AsyncIterable<WalkEntry>,
  source: SourceRoot,
  options: Reading,
): AsyncGenerator<SourceItem> {
  let met = 0;
  for await (const entry of entries) {
    met += 1;
    if (met % FILES_A_TURN === 0) await setImmediate();
    if (entry.kind === 'file') yield* readPath(entry.path, entry.relative, source, 'met', options);
    else if (entry.kind === 'link') yield { type: 'skipped', fault: fault('symlink_skipped', entry.path) };
    else if (entry.kind === 'special') yield { type: 'skipped', fault: fault('special_file', entry.path) };
    else yield { type: 'rejected', fault: faultOf(entry.error, entry.path) };
  }
}

async function* readPattern(pattern: string, source: SourceRoot, options: Reading): AsyncGenerator<SourceItem> {
  const { matches, enters } = createPattern(pattern);
  let found = 0;
  async function* matching(): AsyncGenerator<WalkEntry> {
    for await (const entry of walk(source.root, enters)) {
      // What cannot be read may hide a match.
      if (entry.kind !== 'unreadable' && !matches(entry.relative)) continue;
      found += 1;
      yield entry;
    }
  }
  yield* readWalked(matching(), source, options);
  if (found === 0) yield { type: 'rejected', fault: fault('missing_path', pattern, 'The pattern matches no file') };
}

function relativeTo(source: SourceRoot, path: string): string {
  const relative = path.startsWith(`${source.root}/`)
    ? path.slice(source.root.length + 1)
    : path.slice(path.lastIndexOf('/') + 1);
  return relative.replaceAll('\\', '/');
}

async function* readPath(
  path: string,
  relative: string,
  source: SourceRoot,
  manner: Manner,
  options: Reading,
): AsyncGenerator<SourceItem> {
  const { format, gzip } = formatOf(relative);
  if (format === undefined) {
    yield {
      type: manner === 'named' ? 'rejected' : 'skipped',
      fault: fault(
        'unsupported_type',
        path,
        'Not a type that Sluice reads (text, Markdown, HTML, programs, PDF, DOCX, NDJSON, each also as .gz)',
      ),
    };
    return;
  }
  const documentOf = async (content: Buffer): Promise<SourceDocument> => ({
    id: `${source.name}/${relative}`,
    ...(format === 'pdf' || format === 'docx'
      ? { text: await options.extractor.extract(format, content), format: extractedFormats[format].format }
      : { text: decodeText(content), format: format as TextFormat }),
    metadata: {},
  });
  let file: FileHandle | undefined;
  try {
    const small = gzip || format === 'ndjson' ? undefined : readSmallFile(path, options.maxDocumentBytes);
    if (small !== undefined) {
      yield* one(await documentOf(small), path, source, manner);
      return;
    }
    file = await open(path, READ_FLAGS);
    const before = await file.stat();
    if (!before.isFile()) {
      yield { type: 'rejected', fault: fault('special_file', path) };
      return;
    }
    const streamed = gzip || format === 'ndjson';
    const bytes = streamed
      ? inflate(createReadStream(path, { fd: file.fd, autoClose: false }), gzip)
      : piecesOf(file, before.size);
    if (format === 'ndjson') {
      yield* readRecords(bytes, path, source, options);
    } else {
      const content = await collect(bytes, options.maxDocumentBytes, gzip);
      const after = await file.stat();
      if (after.mtimeMs !== before.mtimeMs || after.size !== before.size)
        throw new SluiceError('changed_while_reading', { message: 'The file changed while it was read' });
      yield* one(await documentOf(content), path, source, manner);
    }
  } catch (error) {
    yield { type: 'rejected', fault: faultOf(asReadError(error), path) };
  } finally {
    await file?.close().catch(() => undefined);
  }
}

async function* readStandardInput(source: SourceRoot, options: ReadOptions): AsyncGenerator<SourceItem> {
  const where = 'standard input';
  const { stdinFormat = 'ndjson', stdinId } = options;
  try {
    if (stdinFormat === 'ndjson') {
      yield* readRecords(options.stdin, where, source, options);
      return;
    }
    const text = decodeText(await collect(options.stdin, options.maxDocumentBytes, false));
    yield* one({ id: stdinId ?? '', text, format: stdinFormat, metadata: {} }, where, source, 'named');
  } catch (error) {
    yield { type: 'rejected', fault: faultOf(asReadError(error), where) };
  }
}

async function* readRecords(
  bytes: AsyncIterable<Buffer>,
  path: string,
  source: SourceRoot,
  options: ReadOptions,
): AsyncGenerator<SourceItem> {
  for await (const line of readLines(bytes, options.maxLineBytes)) {
    const where = `${path}:${line.number}`;
    if ('tooLong' in line) {
      yield {
        type: 'rejected',
        fault: fault('line_too_long', where, `The line is longer than ${options.maxLineBytes} bytes`),
      };
      continue;
    }
    try {
      const json = decodeText(line.bytes);
      if (json.trim() !== '') yield* one(parseRecord(json), where, source, 'met');
    } catch (error) {
      yield { type: 'rejected', fault: faultOf(error, where) };
    }
  }
}

function* one(document: SourceDocument, where: string, source: SourceRoot, manner: Manner): Generator<SourceItem> {
  try {
    checkId(document.id);
    checkUnicode(document.text, 'text');
  } catch (error) {
    yield { type: 'rejected', fault: faultOf(error, where) };
    return;
  }
  if (document.text.trim() === '')
    yield { type: manner === 'named' ? 'rejected' : 'skipped', fault: fault('empty_document', where) };
  else yield { type: 'document', document, where, source, manner };
}

function inflate(bytes: AsyncIterable<Buffer> & NodeJS.ReadableStream, gzip: boolean): AsyncIterable<Buffer> {
  if (!gzip) return bytes;
  const gunzip = createGunzip();
  bytes.on('error', (error: Error) => gunzip.destroy(error));
  return bytes.pipe(gunzip);
}

/** Without a stream: it is a fifth of what a small file costs. */
async function* piecesOf(file: FileHandle, expectedBytes: number): AsyncGenerator<Buffer> {
  for (;;) {
    const piece = Buffer.allocUnsafe(Math.min(expectedBytes + 1, PIECE_BYTES));
    const { bytesRead } = await file.read(piece, 0, piece.length);
    if (bytesRead > 0) yield piece.subarray(0, bytesRead);
    if (bytesRead < piece.length) return;
  }
}

async function collect(bytes: AsyncIterable<Buffer>, maxBytes: number, gzip: boolean): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of bytes) {
    length += part.length;
    if (length > maxBytes) {
      throw new SluiceError(gzip ? 'inflated_too_large' : 'document_too_large', {
        message: 'The document is too large',
        expected: `${maxBytes} bytes at most`,
      });
    }
    parts.push(part);
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, length);
}

function asReadError(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException)?.code;
  if (typeof code === 'string' && code.startsWith('Z_'))
    return new SluiceError('broken_gzip', { message: 'The gzip data is damaged or ends early', cause: error });
  return error;
}
