/**
 * The live page: one stream of server-sent events in, numbers and two curves out. The browser connects again by itself; until
 * then the page says so and keeps what it knew.
 *
 * @typedef {import('../live-feed.ts').Snapshot} Snapshot
 * @typedef {import('../live-feed.ts').History} History
 */
import { drawCurves, fitCurves, updateCurves } from './curves.js';

const states = {
  working: 'Working',
  idle: 'Nothing to do',
  paused: 'Paused',
  waiting: 'Waiting',
  unserved: 'No worker serves this line',
  away: 'Redis does not answer',
};
/** Points that a curve keeps: ten minutes. */
const KEPT = 300;

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const say = (/** @type {string} */ id, /** @type {string} */ text) => {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
};

const plain = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
const fine = new Intl.NumberFormat('en', { maximumSignificantDigits: 2 });
const percent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 0 });
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** @param {number} seconds */
function duration(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h ${Math.round((seconds % 3_600) / 60)} min`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** @param {number} ms */
const milliseconds = (ms) => (ms < 1_000 ? `${plain.format(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`);
/** @param {number} perSecond */
const often = (perSecond) => `${perSecond < 10 ? fine.format(perSecond) : short.format(perSecond)} / s`;

/** @param {Snapshot} snapshot */
function show(snapshot) {
  const { state, reason, backlogTokens, jobs, tokensPerSecond, etaSeconds, documents, deadLetters } = snapshot;
  byId('state').dataset.state = state;
  say('state', states[state]);
  say('reason', reason ?? '');
  say('backlog', short.format(backlogTokens));
  const chunks = jobs.waiting + jobs.active + jobs.delayed;
  say('backlog-chunks', `tokens in ${plain.format(chunks)} ${chunks === 1 ? 'chunk' : 'chunks'}`);
  say('rate', short.format(tokensPerSecond));
  say('eta', etaSeconds === undefined ? (backlogTokens > 0 ? '…' : 'done') : duration(etaSeconds));
  say('eta-at', etaSeconds === undefined ? ' ' : `at ${clock.format(snapshot.at + etaSeconds * 1_000)}`);
  say('documents', short.format(documents.stored));
  const open = documents.open > 0 ? ` · ${short.format(documents.open)} open` : '';
  say('documents-open', `stored${open}`);
  say('dead', plain.format(deadLetters));
  byId('dead').classList.toggle('bad', deadLetters > 0);
  say('dead-says', documents.partial > 0 ? `of ${plain.format(documents.partial)} documents` : 'chunks put aside');
  showEngine(snapshot);
  showList('workers', snapshot.workers, ({ name, held, outage }) => [name, outage ?? `${plain.format(held)} in hand`]);
  showTenants(snapshot);
}

/** @param {Snapshot} snapshot */
function showEngine({ engine, milvus }) {
  bar('fill', engine?.fill);
  bar('padding', engine?.padding);
  say('latency', engine === undefined ? '–' : `${milliseconds(engine.msPerRequest)} a request`);
  say(
    'requests',
    engine === undefined
      ? '–'
      : `${often(engine.requestsPerSecond)} · ${fine.format(engine.textsPerRequest)} texts each`,
  );
  say('rows', milvus === undefined ? '–' : often(milvus.rowsPerSecond));
  say('write-latency', milvus === undefined ? '–' : `${milliseconds(milvus.msPerRequest)} a write`);
}

/** @param {'fill' | 'padding'} id @param {number | undefined} share */
function bar(id, share) {
  /** @type {HTMLProgressElement} */ (byId(id)).value = share ?? 0;
  say(`${id}-says`, share === undefined ? '–' : percent.format(share));
}

/** @param {Snapshot} snapshot */
function showTenants({ tenants }) {
  const shown = tenants.slice(0, 8);
  const list = byId('tenants');
  list.replaceChildren(
    ...shown.map(({ tenant, share, tokens }) => {
      const item = document.createElement('li');
      const name = document.createElement('span');
      name.textContent = tenant === '' ? 'without tenant' : tenant === '…' ? 'others' : tenant;
      const says = document.createElement('b');
      says.textContent = `${percent.format(share)} · ${short.format(tokens)}`;
      const part = document.createElement('progress');
      part.value = share;
      item.append(name, says, part);
      return item;
    }),
  );
  if (shown.length === 0) list.append(nothing('Nothing was embedded in the last minute.'));
}

/** @template T @param {string} id @param {T[]} items @param {(item: T) => [string, string]} words */
function showList(id, items, words) {
  byId(id).replaceChildren(
    ...items.slice(0, 12).map((item) => {
      const row = document.createElement('li');
      for (const text of words(item)) {
        const part = document.createElement('span');
        part.textContent = text;
        row.append(part);
      }
      return row;
    }),
  );
  if (items.length === 0) byId(id).append(nothing('None: start one with sluice worker.'));
}

/** @param {string} text */
function nothing(text) {
  const item = document.createElement('li');
  item.className = 'quiet';
  item.textContent = text;
  return item;
}

/** @type {History} */
const history = [[], [], []];
const events = new EventSource('/live/events');
events.addEventListener('history', ({ data }) => {
  /** @type {History} */ (JSON.parse(data)).forEach((values, column) => {
    history[column]?.splice(0, KEPT, ...values);
  });
  drawCurves(history);
});
events.addEventListener('snapshot', ({ data }) => {
  /** @type {{ snapshot: Snapshot, point: [number, number, number] }} */
  const { snapshot, point } = JSON.parse(data);
  show(snapshot);
  if (point[0] !== history[0].at(-1)) {
    point.forEach((value, column) => {
      history[column]?.push(value);
      if ((history[column]?.length ?? 0) > KEPT) history[column]?.shift();
    });
  }
  updateCurves(history);
});
events.addEventListener('error', () => {
  byId('state').dataset.state = 'connecting';
  say('state', 'Connecting again');
});

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => drawCurves(history));
addEventListener('resize', fitCurves);
