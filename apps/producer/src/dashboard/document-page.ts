/** A document's page: what the ledger knows of it, and its dead letters. Its text is shown only where the setting says so. */
import { documentKey, MAX_ID_BYTES, SluiceError } from '@sluice/core';
import { type Line, rowsOfDocument } from '@sluice/line';
import type { DeadLetter, DocumentState } from '@sluice/queue';
import type { FastifyInstance } from 'fastify';
import { type Html, html } from './html.ts';
import { sendPage } from './page.ts';
import { signedInAs } from './signed-in.ts';

/** More say nothing to whoever looks; the board pages through all of them. */
const LETTERS_SHOWN = 50;

export function documentRoutes(app: FastifyInstance, { line, text }: { line: Line; text: boolean }): void {
  app.get<{ Querystring: { id?: string; tenant?: string } }>(
    '/document',
    { config: { scope: 'public' }, schema: { hide: true } },
    async (request, reply) => {
      const { id = '', tenant } = request.query;
      if (id === '' || Buffer.byteLength(id) > MAX_ID_BYTES)
        throw new SluiceError('bad_request', { message: 'The page of a document needs its id' });
      const key = documentKey({ line: line.name, tenant, id });
      const [state] = await line.ledger.read([key]);
      const page = { title: id, line: line.name, signedIn: signedInAs(request) };
      if (state === undefined) return sendPage(reply, { ...page, body: unknown(id) }, 404);
      const letters: DeadLetter[] = [];
      if (state.dead > 0) {
        for await (const letter of line.ledger.deadLetters({ documentId: id })) {
          if (letter.key === key && letters.push(letter) >= LETTERS_SHOWN) break;
        }
      }
      const rows = text ? (await rowsOfDocument(line, { id, ...(tenant !== undefined && { tenant }) })).rows : [];
      const shown = rows.map(
        (row) => html`<article class="card"><h2>Chunk ${row.ordinal + 1}</h2><pre>${row.text}</pre></article>`,
      );
      return sendPage(reply, { ...page, body: html`${facts(id, tenant, state)}${dead(letters)}${shown}` });
    },
  );
}

function facts(id: string, tenant: string | undefined, state: DocumentState): Html {
  const { chunkCount, stored } = state;
  return html`<section class="card document">
<p class="quiet">Document${tenant !== undefined && html` of ${tenant}`}</p>
<h1>${id}</h1>
<p><span class="pill" data-state="${state.state}">${state.state}</span></p>
<dl>
<dt>Chunks</dt><dd><progress max="${Math.max(1, chunkCount)}" value="${stored}" aria-label="Chunks stored"></progress><b>${stored} of ${chunkCount} stored${state.dead > 0 && `, ${state.dead} dead`}</b></dd>
<dt>Revision</dt><dd><b>${state.currentRevision ?? 'none accepted yet'}</b></dd>
<dt>Readers get</dt><dd><b>${readersGet(state)}</b></dd>
${state.preparedRevisions.length > 0 && html`<dt>Being handed in</dt><dd><b>${state.preparedRevisions.join(', ')}</b></dd>`}
${state.run !== undefined && html`<dt>Run</dt><dd><b>${state.run}</b></dd>`}
<dt>Key</dt><dd><code>${state.key}</code></dd>
</dl></section>`;
}

function readersGet({ wholeRevision, currentRevision, state }: DocumentState): string {
  if (wholeRevision === undefined) return state === 'deleted' ? 'nothing: it is deleted' : 'what is stored so far';
  return wholeRevision === currentRevision ? 'this revision' : `revision ${wholeRevision} until this one is whole`;
}

function dead(letters: DeadLetter[]): Html | undefined {
  if (letters.length === 0) return undefined;
  const rows = letters.map(
    ({ ordinal, chunkCount, tokens, code, reason, attempts, at }) => html`<tr>
<td>${ordinal + 1} of ${chunkCount}</td><td class="number">${tokens}</td><td><code>${code}</code><br>${reason}</td><td class="number">${attempts}</td><td>${new Date(at).toISOString().slice(0, 19).replace('T', ' ')}</td></tr>`,
  );
  return html`<section class="card"><h2>Dead letters</h2><div class="scroll"><table>
<thead><tr><th>Chunk</th><th class="number">Tokens</th><th>Reason</th><th class="number">Tries</th><th>When (UTC)</th></tr></thead>
<tbody>${rows}</tbody></table></div>
<p class="quiet"><code>sluice dead retry --document ID</code> tries them again, as does the board for keys with <b>admin</b>.</p></section>`;
}

function unknown(id: string): Html {
  return html`<section class="card document"><p class="quiet">Document</p><h1>${id}</h1><p>The ledger knows nothing of it. It may wait to be chunked still, or was never handed in to this line.</p></section>`;
}
