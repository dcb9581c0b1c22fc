/** The frame of every page of ours: head, navigation, foot. No script in it, no style, nothing from elsewhere. */
import type { FastifyReply } from 'fastify';
import { type Html, html } from './html.ts';

export interface Page {
  title: string;
  line: string;
  body: Html;
  /** Name of a module under /assets. */
  script?: string;
  /** Who is signed in by a key; undefined: nobody, or no key is needed. */
  signedIn?: string | undefined;
  /** Without navigation: the login page. */
  bare?: boolean;
}

const mark = html`<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path d="M5 3v18M19 3v18" /><path class="water" d="M5 9c2.3-2 4.7 2 7 0s4.700-2 7 0M5 14c2.300-2 4.700 2 7 0s4.700-2 7 0" /></svg>`;

export function sendPage(reply: FastifyReply, page: Page, status = 200): FastifyReply {
  return reply
    .code(status)
    .type('text/html; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(render(page).text);
}

function render({ title, line, body, script, signedIn, bare = false }: Page): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${title} · Sluice</title>
<link rel="icon" href="/assets/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/uplot.css">
<link rel="stylesheet" href="/assets/style.css">
${script !== undefined && html`<script type="module" src="/assets/${script}"></script>`}
</head>
<body>
<header class="top">
<a class="brand" href="/">${mark}<span>Sluice</span></a>
${
  !bare &&
  html`<span class="line-name">${line}</span>
<nav><a href="/">Live</a><a href="/board/">Board</a><a href="/docs">API</a></nav>
${signedIn !== undefined && html`<form class="out" method="post" action="/logout"><span>${signedIn}</span><button>Sign out</button></form>`}`
}
</header>
<main>${body}</main>
</body>
</html>
`;
}
