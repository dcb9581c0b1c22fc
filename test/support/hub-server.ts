/** A local server in the hub's shape that has one folder as every model: for downloads without the hub. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export const HUB_COMMIT = '0123456789abcdef0123456789abcdef01234567';
/** As the hub does it: files of this size are listed with a SHA-256, smaller ones with git's own hash. */
const LARGE_BYTES = 500_000;

export interface HubServer {
  url: string;
  close(): Promise<void>;
}

export async function startHubServer(folder: string, license: string): Promise<HubServer> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));

  async function listed(path: string) {
    const bytes = await readFile(join(folder, path));
    const oid = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
    const lfs = { oid: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, pointerSize: 134 };
    return { path, type: 'file', size: bytes.length, oid, ...(bytes.length >= LARGE_BYTES && { lfs }) };
  }

  async function answer(path: string, range: string | undefined) {
    if (/^\/api\/models\/[^/]+\/[^/]+\/revision\//.test(path)) {
      return json({ _id: 'x', id: 'x', sha: HUB_COMMIT, lastModified: '2024-09-18', cardData: { license } });
    }
    if (path.includes('/paths-info/')) return json(await Promise.all(names.map(listed)));
    const name = path.split(`/resolve/${HUB_COMMIT}/`)[1];
    if (name === undefined || !names.includes(name)) return { status: 404, headers: {}, body: '' };
    const bytes = await readFile(join(folder, name));
    const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(range ?? '') ?? [];
    const last = to === '' ? bytes.length - 1 : Math.min(Number(to), bytes.length - 1);
    const headers = { etag: '"x"', 'content-range': `bytes ${from}-${last}/${bytes.length}` };
    return { status: range === undefined ? 200 : 206, headers, body: bytes.subarray(Number(from), last + 1) };
  }

  const server = createServer((request, response) => {
    answer(request.url!.split('?')[0]!, request.headers.range).then(
      ({ status, headers, body }) =>
        response.writeHead(status, { ...headers, 'content-length': body.length }).end(body),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function json(value: unknown) {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}
