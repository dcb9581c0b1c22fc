/**
 * Fetches an ONNX export from the model hub, with the hub's own client library: a pinned commit, progress, resume, checksums.
 *
 * A file is `<name>.part` while it comes and gets its name only when its checksum is right; `manifest.json` is written last. So a
 * folder with a manifest is whole, and needs no network; whatever breaks off is taken up where it stopped.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { PathInfo } from '@huggingface/hub';
import { isSluiceError, type Logger, SluiceError } from '@sluice/core';
import { z } from 'zod';

/** What the in-process engine reads; those that a model has. The first and the third must be there. */
const FILES = ['onnx/model.onnx', 'onnx/model.onnx_data', 'tokenizer.json', 'config.json'];
const NEEDED = ['onnx/model.onnx', 'tokenizer.json'];

export interface DownloadedModel {
  /** For SLUICE_MODEL_DIR. */
  dir: string;
  /** The commit: for SLUICE_MODEL_REVISION. */
  revision: string;
  /** As the model's card says; undefined when it says nothing. */
  license: string | undefined;
}

export interface DownloadProgress {
  file: string;
  bytes: number;
  totalBytes: number;
}

export interface DownloadOptions {
  /** `owner/name`, or `owner/name@revision` with a branch, tag or commit. */
  model: string;
  /** Folder under which models are kept, each in its own. */
  into: string;
  /** Another hub than the library's default. */
  hubUrl?: string | undefined;
  token?: string | undefined;
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
  logger: Logger;
  signal?: AbortSignal | undefined;
}

/**
 * A model without a revision is the newest; when the hub cannot be reached, the one that is on the disk, if there is just one.
 * Throws `bad_usage`, `hub_unreachable`, `hub_refused`, `download_damaged`, `bad_configuration`, or the signal's reason.
 */
export async function downloadModel(options: DownloadOptions): Promise<DownloadedModel> {
  const { model, into, hubUrl, token, onProgress, logger, signal } = options;
  const [name, asked] = model.split('@');
  const revision = asked ?? 'main';
  if (
    name === undefined ||
    !/^[\w.-]+\/[\w.-]+$/.test(name) ||
    !/^[\w./-]+$/.test(revision) ||
    revision.includes('..')
  ) {
    throw new SluiceError('bad_usage', {
      message: 'A model is owner/name or owner/name@revision',
      got: JSON.stringify(model),
    });
  }
  const folder = join(into, name.replace('/', '--'));
  if (/^[0-9a-f]{40}$/.test(revision)) {
    const whole = await readManifest(join(folder, revision));
    if (whole !== undefined) return whole;
  }
  // Every request of the library stops with the signal.
  const fetchWithSignal: typeof fetch = (input, init) =>
    fetch(input, signal === undefined ? init : { ...init, signal });
  const common = {
    ...(hubUrl !== undefined && { hubUrl }),
    ...(token !== undefined && { accessToken: token }),
    fetch: fetchWithSignal,
  };
  // Loaded here: no other command pays for it at its start.
  const { downloadFile, modelInfo, pathsInfo } = await import('@huggingface/hub');
  try {
    const info = await modelInfo({ name, revision, additionalFields: ['sha', 'cardData'], ...common });
    const license = (info.cardData as { license?: string } | undefined)?.license;
    const dir = join(folder, info.sha);
    const known = await readManifest(dir);
    if (known !== undefined) return known;
    logger.info(
      { model: name, revision: info.sha, license: license ?? 'not stated' },
      'licence of the weights: yours to check',
    );

    const files = await pathsInfo({ repo: name, revision: info.sha, paths: FILES, ...common });
    const missing = NEEDED.filter((path) => !files.some((file) => file.path === path));
    if (missing.length > 0) {
      throw new SluiceError('bad_configuration', {
        message: 'The model has no ONNX export that Sluice can read',
        where: `${name}@${info.sha}`,
        expected: NEEDED.join(' and '),
        got: `no ${missing.join(', no ')}`,
      });
    }
    for (const file of files) {
      await fetchFile(file, join(dir, file.path), async () => {
        const blob = await downloadFile({ repo: name, revision: info.sha, path: file.path, xet: false, ...common });
        if (blob !== null) return blob;
        throw new SluiceError('hub_refused', {
          message: 'The hub lists a file and does not have it',
          where: file.path,
        });
      });
    }
    const downloaded: DownloadedModel = { dir, revision: info.sha, license };
    await writeFile(join(dir, 'manifest.json'), `${JSON.stringify({ revision: info.sha, license }, null, 1)}\n`);
    return downloaded;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    const failure = hubFailure(error, `${name}@${revision}`);
    const known = isSluiceError(failure) && failure.code === 'hub_unreachable' && asked === undefined;
    const onDisk = known ? await onlyManifest(folder) : undefined;
    if (onDisk === undefined) throw failure;
    logger.warn(
      { err: failure, model: name, revision: onDisk.revision },
      'the hub cannot be reached, so nobody knows of a newer revision: the one that is here is taken',
    );
    return onDisk;
  }

  async function fetchFile(file: PathInfo, path: string, open: () => Promise<Blob>): Promise<void> {
    if (await sizeOf(path)) return;
    const part = `${path}.part`;
    await mkdir(dirname(path), { recursive: true });
    let bytes = (await sizeOf(part)) ?? 0;
    if (bytes > file.size) {
      await rm(part);
      bytes = 0;
    }
    const report = () => onProgress?.({ file: file.path, bytes, totalBytes: file.size });
    report();
    if (bytes < file.size) {
      const blob = await open();
      const count = async function* (pieces: AsyncIterable<Uint8Array>) {
        for await (const piece of pieces) {
          bytes += piece.length;
          report();
          yield piece;
        }
      };
      const rest = Readable.fromWeb(blob.slice(bytes, file.size).stream() as ReadableStream<Uint8Array>);
      await pipeline(rest, count, createWriteStream(part, { flags: 'a' }));
    }
    const expected = file.lfs?.oid ?? file.oid;
    const got = await checksum(part, file);
    if (got !== expected) {
      await rm(part);
      throw new SluiceError('download_damaged', {
        message: 'A downloaded file is damaged',
        where: file.path,
        expected,
        got,
      });
    }
    await rename(part, path);
  }
}

/** SHA-256 for large files; for small ones git's own: SHA-1 over `blob`, the size, and the bytes. */
async function checksum(path: string, { lfs, size }: PathInfo): Promise<string> {
  const sha = lfs === undefined ? createHash('sha1').update(`blob ${size}\0`) : createHash('sha256');
  for await (const piece of createReadStream(path)) sha.update(piece as Buffer);
  return sha.digest('hex');
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}

const manifestShape = z.object({ revision: z.string(), license: z.string().optional() });

async function readManifest(dir: string): Promise<DownloadedModel | undefined> {
  const text = await readFile(join(dir, 'manifest.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { revision, license } = manifestShape.parse(JSON.parse(text));
  return { dir, revision, license };
}

/** Of several nobody knows which one is meant. */
async function onlyManifest(folder: string): Promise<DownloadedModel | undefined> {
  const names = await readdir(folder).catch(() => []);
  const whole = await Promise.all(names.map((name) => readManifest(join(folder, name))));
  const found = whole.filter((model) => model !== undefined);
  return found.length === 1 ? found[0] : undefined;
}

function hubFailure(error: unknown, where: string): unknown {
  if (error instanceof SluiceError) return error;
  const status = (error as { statusCode?: unknown }).statusCode; // the library's HubApiError
  if (typeof status === 'number') {
    const got = `HTTP ${status}`;
    if (status >= 400 && status < 500 && status !== 429) {
      return new SluiceError('hub_refused', { message: 'The hub refuses the model', where, got });
    }
    return new SluiceError('hub_unreachable', { message: 'The hub does not answer as it should', where, got });
  }
  // fetch throws a TypeError whose cause has the code; a stream that breaks off carries the code itself.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOSPC' || code === 'EACCES' || code === 'EROFS') return error;
  return new SluiceError('hub_unreachable', { message: 'The hub cannot be reached', where, got: code, cause: error });
}
