/**
 * A page that shows what the chunker made of files: chunk colours over the source, counts and heading paths in the margin. One
 * file without scripts, fonts or hosts; light and dark. Everything that comes from the document is escaped.
 */
import { totalTokens } from '@sluice/core';
import type { CutChunk, CutDocument } from './chunker.ts';

/** Hues far apart, so that neighbours differ for most eyes; the border and the number tell them apart for all. */
const HUES = [210, 35, 130, 280, 0, 175] as const;

const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --faint: #5b6470; --rule: #d8dde3; --light: 94%; --edge: 45%; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --paper: #14171b; --faint: #98a2ae; --rule: #30363d; --light: 17%; --edge: 60%; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 76rem; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.25rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
.sum { color: var(--faint); margin: 0 0 1.5rem; }
.row { display: grid; grid-template-columns: 13rem minmax(0, 1fr); border-left: 4px solid hsl(var(--hue) 60% var(--edge)); background: hsl(var(--hue) 60% var(--light)); }
.row + .row { border-top: 1px dashed var(--rule); }
.note { padding: .75rem; font-size: .8125rem; color: var(--faint); }
.note b { color: var(--ink); font-size: 1rem; }
.note div { overflow-wrap: anywhere; }
.bar { height: 6px; margin: .4rem 0; background: var(--rule); border-radius: 3px; overflow: hidden; }
.bar i { display: block; height: 100%; background: hsl(var(--hue) 60% var(--edge)); }
pre { margin: 0; padding: .75rem; white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.5 ui-monospace, monospace; }
.context { color: var(--faint); font-style: italic; }
.gap { height: 1.5rem; }
.row ~ h1 { margin-top: 3rem; }
@media (max-width: 48rem) { .row { grid-template-columns: minmax(0, 1fr); } }`;

/** A whole HTML page, in pieces: its head, each file's chunks, its foot. `title` is what the window is called. */
export const chunksPage = {
  head: (title: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)} · chunks</title>
<style>${style}
</style>
`,

  file(name: string, cut: CutDocument): string {
    const totals = cut.chunks.map(({ tokens }) => totalTokens(tokens));
    const most = totals.reduce((high, total) => Math.max(high, total), 1);
    const rows = cut.chunks.map((chunk, index) => {
      const blank = cut.source.slice(cut.chunks[index - 1]?.end ?? 0, chunk.start);
      const gap = index > 0 && blank.split('\n').length > 2 ? '<div class="gap"></div>\n' : '';
      return gap + rowOf(chunk, totals[index]!, most);
    });
    return `<h1>${escaped(name)}</h1>
<p class="sum">${summary(totals)}</p>
${rows.join('\n')}
`;
  },

  foot: '</html>\n',
};

function summary(totals: readonly number[]): string {
  if (totals.length === 0) return 'No chunks: the document has no text.';
  const sum = totals.reduce((all, total) => all + total, 0);
  const mean = Math.round(sum / totals.length);
  const least = totals.reduce((low, total) => Math.min(low, total));
  const most = totals.reduce((high, total) => Math.max(high, total));
  const count = `${number(totals.length)} ${totals.length === 1 ? 'chunk' : 'chunks'}`;
  return `${count} · ${number(sum)} tokens · mean ${number(mean)}, least ${number(least)}, most ${number(most)}`;
}

function rowOf(chunk: CutChunk, total: number, most: number): string {
  const { text, special, instruction } = chunk.tokens;
  const heading = chunk.heading.length === 0 ? '' : `<div>${escaped(chunk.heading.join(' › '))}</div>`;
  const context = chunk.context === '' ? '' : `<span class="context">${escaped(chunk.context)}</span>`;
  return `<section class="row" style="--hue: ${HUES[chunk.ordinal % HUES.length]}">
<div class="note"><b>${chunk.ordinal}</b> · <b>${number(total)}</b> tokens
<div class="bar"><i style="width: ${((100 * total) / most).toFixed(1)}%"></i></div>
<div>text ${number(text)}, special ${special}, instruction ${instruction}</div>
<div>${number(chunk.start)}–${number(chunk.end)}, bytes ${number(chunk.startByte)}–${number(chunk.endByte)}</div>${heading}</div>
<pre>${context}${escaped(chunk.text)}</pre>
</section>`;
}

function number(value: number): string {
  return value.toLocaleString('en');
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
