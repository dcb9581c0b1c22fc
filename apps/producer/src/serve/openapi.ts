/**
 * The OpenAPI 3.1 document at /openapi.json and the reference page at /docs, everything of it served by us. Both describe the
 * form of the API and nothing of what it holds: they need no key.
 */
import { readFileSync } from 'node:fs';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';

const STREAM = '/v1/lines/{line}/documents:stream';

/** Registered before the routes that it describes. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Sluice',
        version: '1',
        description: 'Documents in, rows in Milvus out. Refusals are RFC 9457 problem details with stable codes.',
      },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      tags: [
        { name: 'documents', description: 'Handing in, looking at and deleting documents.' },
        { name: 'runs', description: 'Bulk runs.' },
        { name: 'search', description: 'For trying things.' },
        { name: 'line', description: 'What a line holds and how fast it goes.' },
      ],
    },
    hideUntagged: true,
    transform: jsonSchemaTransform,
    transformObject: (document) => withoutUnused(withStreamBody(jsonSchemaTransformObject(document))),
  });
}

/** Registered after the routes, so that they are in it. */
export async function showApi(app: FastifyInstance): Promise<void> {
  app.get('/openapi.json', { config: { scope: 'public' } }, async () => app.swagger());
  await app.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, scope: 'public' };
    });
    await scope.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: true,
      transformStaticCSP: () => CSP,
      uiConfig: { deepLinking: true, displayRequestDuration: true, persistAuthorization: false },
      logo: { type: 'image/svg+xml', content: readFileSync(MARK), href: '/', target: '_self' },
      theme: { title: 'Sluice API', css: [{ filename: 'sluice.css', content: PAGE_STYLE }] },
    });
  });
}

/** Nothing from other hosts, nobody may frame it. Swagger UI sets styles in place. */
const CSP =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

const MARK = new URL('../dashboard/assets/mark.svg', import.meta.url);

/** There is one document to explore: the field for another one's address is in the way. */
const PAGE_STYLE = `.swagger-ui .topbar .download-url-wrapper { display: none; }
.swagger-ui .topbar .topbar-wrapper > :last-child { margin-left: auto; }`;

/** Every named schema is there once for what is read and once for what is answered; most have only one use. */
function withoutUnused<T extends object>(document: T): T {
  const schemas: Record<string, unknown> = (document as Described).components?.schemas ?? {};
  for (;;) {
    const written = JSON.stringify(document);
    const unused = Object.keys(schemas).filter((name) => !written.includes(`"#/components/schemas/${name}"`));
    if (unused.length === 0) return document;
    for (const name of unused) delete schemas[name];
  }
}

interface Described {
  components?: { schemas?: Record<string, unknown> };
  paths?: Record<string, { post?: Record<string, unknown> }>;
}

/** The body of a stream is read by its handler, so no schema validates it: it is described here. */
function withStreamBody<T extends object>(document: T): T {
  const { paths } = document as Described;
  const operation = paths?.[STREAM]?.post;
  if (operation !== undefined) {
    operation.requestBody = {
      required: true,
      content: {
        'application/x-ndjson': {
          schema: { type: 'string', description: 'A document a line, of the form of `Document`.' },
          example: '{"id":"a","text":"One document."}\n{"id":"b","text":"Another."}\n',
        },
      },
    };
  }
  return document;
}
