/**
 * A line worth watching: a service with keys on a Redis of its own (keys belong to a Redis), a worker, one document stored and
 * one with a dead letter whose text nobody may see.
 */
import { once } from 'node:events';
import { createReleaser, loadConfig, silentLogger } from '@sluice/core';
import { openExistingLine } from '@sluice/line';
import { startService } from '@sluice/producer/service';
import { openApiKeys } from '@sluice/queue';
import { startJinaTinyServer } from '../support/jina-tiny-server.ts';
import { startValkey } from '../support/valkey.ts';
import { createSluice } from './sluice.ts';
import { tinySettings } from './tiny-settings.ts';

export const SECRET_TEXT = 'canary-document-text';
const SECRET_METADATA = 'canary-metadata';
/** What no page, answer or log line may hold. */
export const SECRETS = new RegExp(`${SECRET_TEXT}|${SECRET_METADATA}`);

export async function startWatchedLine(name: string) {
  const releaser = createReleaser({ deadlineMs: 60_000 });
  try {
    const valkey = await startValkey();
    releaser.push('Valkey', () => valkey.stop());
    let mended = false;
    const engine = await startJinaTinyServer({
      script: ({ texts }) =>
        !mended && texts.some((text) => text.includes('POISON'))
          ? { status: 400, body: { detail: { message: 'no', code: 'BAD' } } }
          : undefined,
    });
    releaser.push('the engine', () => engine.close());
    const sluice = createSluice(name, { ...tinySettings(engine.url), SLUICE_REDIS_URL: valkey.url });
    const worker = await sluice.worker();
    releaser.push('the worker', async () => {
      worker.kill('SIGTERM');
      await once(worker, 'exit');
    });
    const { documents } = await sluice.ingest(
      ['-'],
      [
        { id: 'fine.md', text: `${SECRET_TEXT}, and nothing wrong`, metadata: { note: SECRET_METADATA } },
        { id: 'guide/bad page.md', text: `${SECRET_TEXT} POISON`, metadata: { note: SECRET_METADATA } },
      ]
        .map((document) => `${JSON.stringify(document)}\n`)
        .join(''),
    );
    if (documents.stored !== 1 || documents.partial !== 1) throw new Error(JSON.stringify(documents));

    const { config } = loadConfig([{ name: 'test', values: { ...sluice.env, SLUICE_SERVE_PORT: '0' } }]);
    const line = await openExistingLine(config, { logger: silentLogger, releaser });
    const keys = openApiKeys(line.redis);
    const add = async (key: { name: string; scopes: ('read' | 'admin' | 'ingest')[]; tenant?: string }) =>
      (await keys.add({ ...key, lines: ['*'], tenant: key.tenant, limits: {} })).token;
    const tokens = {
      reader: await add({ name: 'reader', scopes: ['read'] }),
      admin: await add({ name: 'admin', scopes: ['admin'] }),
      tenant: await add({ name: 'tenant', scopes: ['read'], tenant: 'acme' }),
      ingest: await add({ name: 'ingest', scopes: ['ingest'] }),
      revoked: await add({ name: 'revoked', scopes: ['read'] }),
    };
    const service = await startService({ config, logger: silentLogger });
    releaser.push('the service', () => service.close());
    return {
      sluice,
      line,
      keys,
      tokens,
      url: service.url,
      /** From now on the engine takes what it refused. */
      mend() {
        mended = true;
      },
      close: () => releaser.release(),
    };
  } catch (error) {
    await releaser.release();
    throw error;
  }
}
