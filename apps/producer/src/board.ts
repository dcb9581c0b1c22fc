/**
 * Bull Board on loopback, read-only: for watching. Text of documents is never shown: job data goes through a formatter, and
 * error texts carry none by construction. Pages of other origins cannot frame it, nor does it load anything from elsewhere.
 */
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import { type Config, createReleaser, type Logger, SluiceError } from '@sluice/core';
import { openExistingLine } from '@sluice/line';
import { openBoardQueues } from '@sluice/queue';
import fastify from 'fastify';

export interface Board {
  url: string;
  close(): Promise<void>;
}

/** Throws `port_taken`, `unknown_line`, and what connecting throws. */
export async function startBoard({
  config,
  logger,
  port,
}: {
  config: Config;
  logger: Logger;
  port: number;
}): Promise<Board> {
  const releaser = createReleaser();
  try {
    const line = await openExistingLine(config, { logger, releaser });
    const opened = openBoardQueues(config.SLUICE_REDIS_URL!, line.address);
    releaser.push('the queues of the dashboard', () => opened.close());
    const serverAdapter = new FastifyAdapter();
    createBullBoard({
      queues: opened.queues.map((queue) => {
        const adapter = new BullMQAdapter(queue, {
          readOnlyMode: true,
          allowRetries: false,
          description: `line ${line.name}`,
        });
        adapter.setFormatter('data', withoutText);
        adapter.setFormatter('name', (job) => legibleName(job.data));
        return adapter;
      }),
      serverAdapter,
      options: { uiConfig: { boardTitle: `Sluice · ${line.name}` } },
    });
    serverAdapter.setBasePath('/board');
    const app = fastify({ logger: false });
    releaser.push('the dashboard', () => app.close());
    app.addHook('onRequest', async (request, reply) => {
      reply.headers({
        'content-security-policy':
          "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
      });
      if (request.method !== 'GET' && request.method !== 'HEAD')
        await reply.code(405).send({ error: 'This dashboard is read-only.' });
      // A page on another host that resolves its name to loopback must not read the board (DNS rebinding).
      else if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(request.headers.host ?? ''))
        await reply.code(403).send({ error: 'Open the dashboard by its loopback address.' });
    });
    app.get('/', (_request, reply) => reply.redirect('/board'));
    await app.register(serverAdapter.registerPlugin(), { prefix: '/board' });
    const url = await app.listen({ host: '127.0.0.1', port }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') throw error;
      throw new SluiceError('port_taken', {
        message: 'The dashboard cannot listen',
        where: `127.0.0.1:${port}`,
        fix: 'Choose another with --port, or SLUICE_BOARD_PORT=0 for a free one.',
      });
    });
    return { url: `${url}/board`, close: () => releaser.release() };
  } catch (error) {
    await releaser.release().catch(() => undefined);
    throw error;
  }
}

function withoutText(data: Record<string, unknown>): Record<string, unknown> {
  const { text, context, metadata: _metadata, heading: _heading, ...shown } = data;
  return {
    ...shown,
    text:
      typeof text === 'string'
        ? `(${text.length + (typeof context === 'string' ? context.length : 0)} characters, not shown)`
        : undefined,
  };
}

function legibleName(data: { documentId?: unknown; ordinal?: unknown; chunkCount?: unknown }): string {
  return `${String(data.documentId)} · ${Number(data.ordinal) + 1} of ${String(data.chunkCount)}`;
}
