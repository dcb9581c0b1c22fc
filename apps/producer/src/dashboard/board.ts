/**
 * Bull Board: both queues and the dead letters. To look needs `read`; a retry needs `admin`; what else a board can do to a queue
 * (empty, clean, obliterate, pause, add and edit jobs) is refused to everybody, because the ledger would not know of it.
 */
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import { SluiceError } from '@sluice/core';
import type { Line } from '@sluice/line';
import { type BoardQueues, QUEUE_NAME } from '@sluice/queue';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { mayDo } from '../serve/caller.ts';
import { sendProblem } from '../serve/problem.ts';
import { DeadLetterAdapter } from './dead-letter-adapter.ts';
import { documentLink, shownData, shownName } from './shown-job.ts';

const RETRIES = ['/board/api/queues/:queueName/:jobId/retry', '/board/api/queues/:queueName/retry/:queueStatus'];
const FOREIGN_FONTS = /<link href="https:\/\/fonts\.[^>]*>/g;

export async function boardRoutes(
  app: FastifyInstance,
  { line, queues, text }: { line: Line; queues: BoardQueues['queues']; text: boolean },
): Promise<void> {
  const serverAdapter = new FastifyAdapter();
  const collection = line.info.collection;
  const shards = queues.filter(({ name }) => name === QUEUE_NAME);
  const adapters = queues.map((queue) => {
    const options: ConstructorParameters<typeof BullMQAdapter>[1] = {
      description: `line ${line.name}, collection ${collection}`,
      externalJobUrl: ({ data }) => ({ displayText: 'Document', href: documentLink(data) ?? '/' }),
    };
    if (!shards.includes(queue)) return new BullMQAdapter(queue, options);
    // The board knows queues by name, and the shards' are all of one.
    const prefix = shards.length > 1 ? `shard ${shards.indexOf(queue)} ` : '';
    return new BullMQAdapter(queue, { ...options, prefix });
  });
  const dead = new DeadLetterAdapter(line, `line ${line.name}: chunks whose verdict is final`);
  for (const adapter of [...adapters, dead]) {
    adapter.setFormatter('data', (data) => shownData(data, { collection, text }));
    adapter.setFormatter('name', ({ data }: { data: unknown }) => shownName(data));
    adapter.setFormatter('returnValue', () => undefined);
  }
  createBullBoard({
    queues: [...adapters, dead],
    serverAdapter,
    options: {
      uiConfig: {
        boardTitle: `Sluice · ${line.name}`,
        boardLogo: { path: '/assets/mark.svg', width: 28, height: 28 },
        favIcon: { default: '/assets/mark.svg', alternative: '/assets/mark.svg' },
        miscLinks: [
          { text: 'Live', url: '/' },
          { text: 'API', url: '/docs' },
        ],
        hideDocsLink: true,
        showWorkers: false,
      },
    },
  });
  serverAdapter.setBasePath('/board');

  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, scope: 'public' };
    // Bull Board's own would make a failure of every refusal.
    route.errorHandler = sendProblem;
  });
  app.addHook('onRequest', async (request) => {
    if (request.method === 'GET' || request.method === 'HEAD') return;
    if (!mayDo(request.caller, 'admin')) {
      throw new SluiceError('forbidden', {
        message: 'This board is read-only for this key',
        expected: 'scope admin',
        got: request.caller.scopes.join(', '),
      });
    }
    if (RETRIES.includes(request.routeOptions.url ?? '')) return;
    throw new SluiceError('forbidden', {
      message: 'A board may retry; anything else would be done behind the back of the ledger',
      fix: 'Use `npx sluice dead`, `npx sluice delete` or `npx sluice pause`, which tell it.',
    });
  });
  app.addHook('preSerialization', async (request, _reply, payload) => withoutInnards(payload, request, text));
  app.addHook('onSend', async (_request, reply, payload) =>
    String(reply.getHeader('content-type')).startsWith('text/html') && typeof payload === 'string'
      ? payload.replace(FOREIGN_FONTS, '')
      : payload,
  );
  await app.register(serverAdapter.registerPlugin(), { prefix: '/board' });
}

interface Answer {
  queues?: { readOnlyMode: boolean; allowRetries: boolean; allowCompletedRetries: boolean; jobs: ShownJob[] }[];
  job?: ShownJob;
}
interface ShownJob {
  stacktrace: string[];
}

/** Stacks are for the log; buttons that would be refused are not offered. */
function withoutInnards(payload: unknown, { caller }: FastifyRequest, text: boolean): unknown {
  const { queues, job } = payload as Answer;
  for (const queue of queues ?? []) {
    if (mayDo(caller, 'admin')) continue;
    queue.readOnlyMode = true;
    queue.allowRetries = false;
    queue.allowCompletedRetries = false;
  }
  if (!text)
    for (const shown of [...(queues ?? []).flatMap(({ jobs }) => jobs), ...(job ? [job] : [])]) shown.stacktrace = [];
  return payload;
}
