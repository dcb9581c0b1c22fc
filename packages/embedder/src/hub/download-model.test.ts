/** Downloading from a local server in the hub's shape. */
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, silentLogger } from '@sluice/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { downloadModel } from './download-model.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
/** Above 1 MB the client library streams, and can go on in the middle. */
const big = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 7) % 251));

let files: Record<string, Buffer>;
let requests: { path: string; range: string | undefined }[];
/** Bytes of a big file after which the connection is cut, once. */
let cutAfter: number | undefined;
/** A file that is served with other bytes than the hub says. */
let damaged: string | undefined;
let status: number | undefined;
let server: Server;
let into: string;

beforeEach(async () => {
  files = {
    'onnx/model.onnx': Buffer.from('graph'),
    'onnx/model.onnx_data': big,
    'tokenizer.json': Buffer.from('{}'),
    'config.json': Buffer.from('{}'),
  };
  requests = [];
  cutAfter = undefined;
  damaged = undefined;
  status = undefined;
  into = await mkdtemp(join(tmpdir(), 'sluice-hub-'));
  server = createServer((request, response) => {
    const path = request.url!.split('?')[0]!;
    requests.push({ path, range: request.headers.range });
    const json = (value: unknown) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (status !== undefined) return response.writeHead(status).end();
    if (path.startsWith('/api/models/owner/name/revision/')) {
      return json({
        _id: 'x',
        id: 'owner/name',
        sha: COMMIT,
        lastModified: '2024-09-18',
        cardData: { license: 'cc-by-nc-4.0' },
      });
    }
    if (path.startsWith('/api/models/owner/name/paths-info/'))
      return json(Object.entries(files).map(([name, bytes]) => listed(name, bytes)));
    const name = path.replace(`/owner/name/resolve/${COMMIT}/`, '');
    const right = files[name];
    if (right === undefined) return response.writeHead(404).end();
    const bytes = name === damaged ? Buffer.alloc(right.length) : right;
    const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? [];
    const last = to === '' ? bytes.length - 1 : Math.min(Number(to), bytes.length - 1);
    const part = bytes.subarray(Number(from), last + 1);
    response.writeHead(request.headers.range === undefined ? 200 : 206, {
      etag: '"x"',
      'content-length': part.length,
      'content-range': `bytes ${from}-${last}/${bytes.length}`,
    });
    if (cutAfter !== undefined && part.length > cutAfter) {
      response.write(part.subarray(0, cutAfter), () => response.socket?.destroy());
      cutAfter = undefined;
      return;
    }
    response.end(part);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(into, { recursive: true });
});

function listed(path: string, bytes: Buffer) {
  const oid = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
  const lfs = { oid: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, pointerSize: 134 };
  return { path, type: 'file', size: bytes.length, oid, ...(bytes.length > 1_000_000 && { lfs }) };
}

const hubUrl = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const download = (more: Partial<Parameters<typeof downloadModel>[0]> = {}) =>
  downloadModel({ model: 'owner/name', into, hubUrl: hubUrl(), logger: silentLogger, ...more });

describe('downloadModel', () => {
  it('fetches what the engine needs, pinned to the commit, with its licence and progress', async () => {
    const progress: number[] = [];
    const model = await download({
      onProgress: ({ file, bytes }) => file === 'onnx/model.onnx_data' && progress.push(bytes),
    });
    expect(model).toEqual({ dir: join(into, 'owner--name', COMMIT), revision: COMMIT, license: 'cc-by-nc-4.0' });
    for (const [name, bytes] of Object.entries(files))
      expect(bytes.equals(await readFile(join(model.dir, name)))).toBe(true);
    expect(progress[0]).toBe(0);
    expect(progress.at(-1)).toBe(big.length);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  });

  it('needs no network for a commit that is there', async () => {
    const first = await download();
    requests = [];
    expect(await download({ model: `owner/name@${COMMIT}` })).toEqual(first);
    expect(requests).toEqual([]);
  });

  it('takes the one that is there when the hub is away and no revision is named', async () => {
    const first = await download();
    status = 503;
    const said: string[] = [];
    const logger = { ...silentLogger, warn: (_: unknown, words: string) => said.push(words) } as unknown as Logger;
    expect(await download({ logger })).toEqual(first);
    expect(said.join()).toContain('newer revision');
    // A branch or a tag may be another commit than the one that is there; so may one of two.
    await expect(download({ model: 'owner/name@v2' })).rejects.toMatchObject({ code: 'hub_unreachable' });
    const other = 'f'.repeat(40);
    await cp(first.dir, join(into, 'owner--name', other), { recursive: true });
    await expect(download()).rejects.toMatchObject({ code: 'hub_unreachable' });
    await rm(join(into, 'owner--name', other), { recursive: true });
    // Half a model is none, and a hub that answers is believed.
    status = 404;
    await expect(download()).rejects.toMatchObject({ code: 'hub_refused' });
    status = 503;
    await rm(join(first.dir, 'manifest.json'));
    await expect(download()).rejects.toMatchObject({ code: 'hub_unreachable' });
  });

  it('goes on where it stopped', async () => {
    cutAfter = 1_000_000;
    await expect(download()).rejects.toMatchObject({ code: 'hub_unreachable', verdict: 'retry' });
    requests = [];
    const model = await download();
    const starts = requests
      .filter(({ path }) => path.endsWith('model.onnx_data'))
      .map(({ range }) => Number(/bytes=(\d+)/.exec(range ?? '')?.[1]));
    expect(Math.max(...starts)).toBeGreaterThan(0);
    expect(big.equals(await readFile(join(model.dir, 'onnx/model.onnx_data')))).toBe(true);
  });

  it('throws away what has another checksum, and fetches it anew', async () => {
    damaged = 'config.json';
    await expect(download()).rejects.toMatchObject({ code: 'download_damaged', where: 'config.json' });
    damaged = undefined;
    const { dir } = await download();
    expect(await readFile(join(dir, 'config.json'), 'utf8')).toBe('{}');
  });

  it('takes no .part of another size for the file', async () => {
    const { dir } = await download();
    await rm(join(dir, 'manifest.json'));
    await rm(join(dir, 'tokenizer.json'));
    await writeFile(join(dir, 'tokenizer.json.part'), 'more than two bytes');
    await download();
    expect(await readFile(join(dir, 'tokenizer.json'), 'utf8')).toBe('{}');
  });

  it.each([
    [404, 'hub_refused', 'stop'],
    [401, 'hub_refused', 'stop'],
    [503, 'hub_unreachable', 'retry'],
    [429, 'hub_unreachable', 'retry'],
  ])('says what %i means', async (answer, code, verdict) => {
    status = answer;
    await expect(download()).rejects.toMatchObject({ code, verdict });
  });

  it('says plainly that the hub cannot be reached', async () => {
    await expect(download({ hubUrl: 'http://127.0.0.1:1' })).rejects.toMatchObject({
      code: 'hub_unreachable',
      fix: expect.stringContaining('SLUICE_MODEL_DIR'),
    });
  });

  it('refuses a model without an ONNX export, and a name that is none', async () => {
    delete files['onnx/model.onnx'];
    await expect(download()).rejects.toMatchObject({ code: 'bad_configuration', got: 'no onnx/model.onnx' });
    await expect(download({ model: '../../etc' })).rejects.toMatchObject({ code: 'bad_usage' });
    await expect(download({ model: 'owner/name@../x' })).rejects.toMatchObject({ code: 'bad_usage' });
  });

  it('stops when told to', async () => {
    await expect(download({ signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
  });
});
