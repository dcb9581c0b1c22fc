/** The live page and its stream of server-sent events: `history` once, then a `snapshot` every two seconds. */
import type { FastifyInstance } from 'fastify';
import { createRoom } from '../serve/room.ts';
import type { ServiceParts } from '../serve/service-parts.ts';
import { whileAllowed } from '../serve/while-allowed.ts';
import { html } from './html.ts';
import type { LiveFeed } from './live-feed.ts';
import { sendPage } from './page.ts';
import { signedInAs } from './signed-in.ts';

/** Open pages of one process; half of them for one key. */
const MOST_WATCHERS = 200;

export function liveRoutes(
  app: FastifyInstance,
  { line, feed, keys, closing }: { line: string; feed: LiveFeed } & Pick<ServiceParts, 'keys' | 'closing'>,
): void {
  const room = createRoom(MOST_WATCHERS);
  const route = { config: { scope: 'public' as const }, schema: { hide: true } };

  app.get('/', route, (request, reply) =>
    sendPage(reply, { title: line, line, script: 'live.js', signedIn: signedInAs(request), body }),
  );

  app.get('/live/events', { ...route, exposeHeadRoute: false }, (request, reply) => {
    const visit = room.enter();
    reply.raw.once('close', visit.leave);
    visit.belongsTo(request.caller.keyId ?? '');
    reply.hijack();
    const response = reply.raw;
    const allowed = whileAllowed(request.caller, { keys, closing });
    // Fastify would have sent these; a hijacked reply sends its own.
    response.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    const send = (event: string, data: unknown) => {
      // Whoever reads too slowly gets the next one; nothing piles up.
      if (response.writableNeedDrain) return;
      response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    };
    send('history', feed.history);
    if (feed.latest !== undefined) send('snapshot', feed.latest);
    const stop = feed.watch((look) => send('snapshot', look));
    const end = () => {
      stop();
      allowed.end();
      allowed.signal.removeEventListener('abort', end);
      response.end();
    };
    allowed.signal.addEventListener('abort', end, { once: true });
    response.once('close', end);
  });
}

const body = html`<section class="status" aria-live="polite"><span id="state" class="pill" data-state="connecting">Connecting</span><span id="reason" class="quiet"></span></section>
<section class="numbers">
<div class="card"><h2>Backlog</h2><p class="big" id="backlog">–</p><p class="quiet" id="backlog-chunks">tokens</p></div>
<div class="card"><h2>Speed</h2><p class="big" id="rate">–</p><p class="quiet">tokens a second</p></div>
<div class="card"><h2>Time to go</h2><p class="big" id="eta">–</p><p class="quiet" id="eta-at">&nbsp;</p></div>
<div class="card"><h2>Documents</h2><p class="big" id="documents">–</p><p class="quiet" id="documents-open">stored</p></div>
<a class="card" href="/board/queue/dead-letters"><h2>Dead letters</h2><p class="big" id="dead">–</p><p class="quiet" id="dead-says">chunks put aside</p></a>
</section>
<section class="charts">
<div class="card"><h2>Embedded <span>tokens a second</span></h2><div class="chart" id="chart-rate"></div></div>
<div class="card"><h2>Waiting <span>tokens</span></h2><div class="chart" id="chart-backlog"></div></div>
</section>
<section class="details">
<div class="card"><h2>Engine <span>last minute</span></h2><dl>
<dt>Batch fill</dt><dd><progress id="fill" value="0" aria-label="Batch fill"></progress><b id="fill-says">–</b></dd>
<dt>Padding</dt><dd><progress id="padding" value="0" aria-label="Padding"></progress><b id="padding-says">–</b></dd>
<dt>Latency</dt><dd><b id="latency">–</b></dd>
<dt>Requests</dt><dd><b id="requests">–</b></dd>
</dl></div>
<div class="card"><h2>Milvus <span>last minute</span></h2><dl>
<dt>Rows written</dt><dd><b id="rows">–</b></dd>
<dt>Latency</dt><dd><b id="write-latency">–</b></dd>
</dl><h2 class="second">Workers</h2><ul id="workers" class="plain"></ul></div>
<div class="card"><h2>Tenants <span>share of the engine</span></h2><ul id="tenants" class="bars"></ul></div>
</section>`;
