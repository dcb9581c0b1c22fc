/** `npm start`: everything up, documents in, two searches, what to type next. Works on a line of its own, `demo`. */
import { join, resolve } from 'node:path';
import { openExistingLine, openQueryEngine, planSpace, queryLine } from '@sluice/line';
import { type IngestSummary, readDocuments, readOptions, resolveInputs } from '@sluice/producer';
import { type Context, loadContext } from '../context.ts';
import { onInterrupt, untilInterrupted } from '../interrupt.ts';
import { projectFolder } from '../project.ts';
import { renderHits } from '../render/hits.ts';
import { bold, cyan, dim, yellow } from '../render/style.ts';
import { printJson } from '../run-command.ts';
import { bringUp, stackRemarks } from '../stack.ts';
import { ingestPaths } from './ingest.ts';

const corpus = join(projectFolder, 'examples', 'corpus');
/** Questions that the example corpus answers; one in English, one in Vietnamese. */
const corpusQueries = [
  'How do I replace a failed disk in a RAID-1 array with mdadm?',
  'Tại sao pin máy tính xách tay hết nhanh hơn so với khi dùng Windows?',
];

export interface DemoOptions {
  once?: boolean;
  json?: boolean;
  line?: string;
  /** What `paths` are relative to; default: the working folder. */
  from?: string;
}

export async function run(words: string[], options: DemoOptions): Promise<void> {
  const paths = words.map((word) => (word === '-' ? word : resolve(options.from ?? '.', word)));
  const interrupted = onInterrupt();
  const context = await loadContext('demo', { line: options.line ?? 'demo' }, interrupted);
  const stay =
    options.once !== true && options.json !== true && process.stdout.isTTY === true && process.stderr.isTTY === true;
  const say = (text: string) => process.stderr.write(`${text}\n`);
  try {
    const running = await bringUp(context, {
      line: context.config.SLUICE_LINE,
      servicePort: context.config.SLUICE_BOARD_PORT,
      onProgress: (text) => say(dim(text)),
    });
    for (const remark of stackRemarks(running.state)) say(dim(remark));
    const inputs = paths.length > 0 ? paths : [corpus];
    say(`${bold('Ingesting')} ${inputs.map((path) => path.replace(`${projectFolder}/`, '')).join(' ')}`);
    let summary: IngestSummary | undefined;
    const code = await ingestPaths(running.context, inputs, {
      pruneMax: 0.1,
      wait: true,
      format: 'ndjson',
      next: false,
      quiet: options.json === true,
      onSummary: (made) => (summary = made),
    });
    const queries = paths.length > 0 ? await queriesFrom(inputs, running.context) : corpusQueries;
    const searches = interrupted.aborted ? [] : await search(running.context, queries);
    if (options.json === true) {
      printJson({
        ...summary,
        searches: searches.map(({ query, hits }) => ({ query, hits: hits.map(({ text: _text, ...hit }) => hit) })),
        exitCode: code,
      });
    } else {
      for (const { query, hits } of searches)
        process.stdout.write(`\n${bold('Search')}  ${query}\n${renderHits(hits)}\n`);
      if (planSpace(running.context.config).engine.profile.protocol === 'static') {
        say(
          `\n${yellow('These vectors come from a small static model, for trying the line.')} docs/engines.md says how to serve jina-embeddings-v3.`,
        );
      }
    }
    process.exitCode = code;
    if (interrupted.aborted) return;
    const { SLUICE_LINE: line } = context.config;
    if (!stay) {
      say(
        [
          '',
          `${bold('Everything is stopped')}; what is stored stays.`,
          `  start again  npx sluice up --line ${line}`,
          `  live page    ${running.serviceUrl}  ${dim('while it is up')}`,
          `  search       npx sluice query --line ${line} "what you are looking for"  ${dim('in another terminal')}`,
          '',
        ].join('\n'),
      );
      return;
    }
    say(
      [
        '',
        `${bold('Everything is up')} until Ctrl-C.`,
        `  live page   ${cyan(running.serviceUrl)}`,
        `  search      npx sluice query --line ${line} "what you are looking for"`,
        `  add files   npx sluice ingest --line ${line} PATH`,
        `  look        npx sluice status --line ${line}`,
        '',
      ].join('\n'),
    );
    const failure = await Promise.race([running.failed, untilInterrupted(interrupted)]);
    if (failure !== undefined) throw failure;
    say(dim('Stopping …'));
  } finally {
    await context.releaser.release();
  }
}

async function search({ config, logger, releaser, signal }: Context, queries: string[]) {
  const line = await openExistingLine(config, { logger, releaser });
  const engine = await openQueryEngine(line, { config, logger, signal });
  releaser.push('the query engine', () => engine.close());
  const results = [];
  for (const query of queries) {
    results.push({
      query,
      hits: await queryLine(line, engine, query, {
        k: 3,
        signal,
      }),
    });
  }
  return results;
}

/** The opening words of the first two documents: something that the user's own files surely answer. */
async function queriesFrom(paths: string[], { config }: Context): Promise<string[]> {
  const queries: string[] = [];
  for await (const item of readDocuments(await resolveInputs(paths), readOptions({ stdin: process.stdin }, config))) {
    if (item.type !== 'document') continue;
    const words = item.document.text
      .replace(/<[^>]*>/g, ' ')
      .replace(/[#*_`>|-]+/g, ' ')
      .trim()
      .split(/\s+/)
      .slice(0, 8)
      .join(' ')
      .slice(0, 100);
    if (words !== '') queries.push(words);
    if (queries.length === 2) break;
  }
  return queries;
}
