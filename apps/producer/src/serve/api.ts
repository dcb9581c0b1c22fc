/** The endpoints under /v1, and the OpenAPI document made of their schemas. */
import { documentRoutes } from './api/documents.ts';
import { runRoutes } from './api/runs.ts';
import { searchRoutes } from './api/search.ts';
import { statsRoutes } from './api/stats.ts';
import { streamRoutes } from './api/stream.ts';
import type { ServicePlugin } from './service-parts.ts';

export const api: ServicePlugin = {
  routes(app, parts) {
    for (const routes of [documentRoutes, streamRoutes, runRoutes, searchRoutes, statsRoutes]) routes(app, parts);
  },
};
