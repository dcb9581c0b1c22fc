/** The few files that pages need, read once and served by us: a fixed list of names, nothing else of the disk. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { securityHeaders } from './guard.ts';

const require = createRequire(import.meta.url);
const own = (name: string) => fileURLToPath(new URL(`assets/${name}`, import.meta.url));

const files: Readonly<Record<string, { path: string; type: string }>> = {
  'style.css': { path: own('style.css'), type: 'text/css; charset=utf-8' },
  'curves.js': { path: own('curves.js'), type: 'text/javascript; charset=utf-8' },
  'live.js': { path: own('live.js'), type: 'text/javascript; charset=utf-8' },
  'mark.svg': { path: own('mark.svg'), type: 'image/svg+xml' },
  'uplot.js': { path: require.resolve('uplot/dist/uPlot.esm.js'), type: 'text/javascript; charset=utf-8' },
  'uplot.css': { path: require.resolve('uplot/dist/uPlot.min.css'), type: 'text/css; charset=utf-8' },
};

export async function assetRoutes(app: FastifyInstance): Promise<void> {
  for (const [name, { path, type }] of Object.entries(files)) {
    const content = await readFile(path);
    const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 16)}"`;
    app.get(`/assets/${name}`, { config: { scope: 'public' }, schema: { hide: true } }, async (request, reply) => {
      reply.headers({ ...securityHeaders(), 'cache-control': 'no-cache', etag });
      if (request.headers['if-none-match'] === etag) return reply.code(304).send();
      return reply.type(type).send(content);
    });
  }
}
