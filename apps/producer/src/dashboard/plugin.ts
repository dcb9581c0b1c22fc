/** The pages of the service: the live page, Bull Board, a document's page, and signing in to them. They show the service's own line. */
import { openBoardQueues } from '@sluice/queue';
import { callerOf } from '../serve/caller.ts';
import type { ServicePlugin } from '../serve/service-parts.ts';
import { assetRoutes } from './assets.ts';
import { boardRoutes } from './board.ts';
import { documentRoutes } from './document-page.ts';
import { forReaders, securityHeaders } from './guard.ts';
import { liveRoutes } from './live.ts';
import { startLiveFeed } from './live-feed.ts';
import { loginRoutes } from './login.ts';
import { sessionToken } from './session-cookie.ts';
import { openSessions } from './sessions.ts';

export const dashboardPlugin: ServicePlugin = {
  session({ config, lines, keys }) {
    return async (request) => {
      const token = sessionToken(request);
      if (token === undefined) return undefined;
      const { redis } = await lines.get(config.SLUICE_LINE);
      const keyId = await openSessions(redis).keyOf(token);
      const key = keyId === undefined ? undefined : await keys.read(keyId);
      return key === undefined ? undefined : callerOf(key);
    };
  },

  async routes(app, { config, logger, keys, lines, closing }) {
    const line = await lines.get(config.SLUICE_LINE);
    const text = config.SLUICE_BOARD_SHOW_TEXT;
    const feed = startLiveFeed(line, { logger });
    app.addHook('onClose', () => feed.close());
    const opened = openBoardQueues(config.SLUICE_REDIS_URL!, line.address);
    app.addHook('onClose', () => opened.close());

    await app.register(assetRoutes);
    await app.register(async (open) =>
      loginRoutes(open, { line: line.name, keys, sessions: openSessions(line.redis) }),
    );
    await app.register(async (pages) => {
      forReaders(pages, line.name, securityHeaders());
      liveRoutes(pages, { line: line.name, feed, keys, closing });
      documentRoutes(pages, { line, text });
    });
    await app.register(async (board) => {
      forReaders(board, line.name, securityHeaders({ inlineStyle: true }));
      await boardRoutes(board, { line, queues: opened.queues, text });
    });
  },
};
