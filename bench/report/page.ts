/**
 * docs/performance.md: its words are written by hand, its figures are drawn from bench/results. A block between
 * `<!-- figures NAME -->` and `<!-- end -->` holds the table of one report; `docs/performance/` holds the plots.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plots } from './plots.ts';
import { listed, nameOf, promise, sources, summary } from './render.ts';
import { held, type Report } from './report.ts';

const root = join(import.meta.dirname, '../..');
const results = join(root, 'bench/results');
const pageFile = join(root, 'docs/performance.md');
const plotFolder = join(root, 'docs/performance');

export function readResults(): Map<string, Report> {
  const names = existsSync(results) ? readdirSync(results).filter((name) => name.endsWith('.json')) : [];
  return new Map(
    names.map((name) => [name.slice(0, -5), JSON.parse(readFileSync(join(results, name), 'utf8')) as Report]),
  );
}

/** The page with the figures of the reports; blocks without a report stay as they are. */
export function drawPage(page: string, reports: ReadonlyMap<string, Report>): string {
  return page.replaceAll(/<!-- figures ([a-z-]+) -->\n[\s\S]*?<!-- end -->/g, (block, name: string) => {
    const report = reports.get(name);
    return report === undefined ? block : `<!-- figures ${name} -->\n${table(report)}\n<!-- end -->`;
  });
}

/** Writes the page and every plot. */
export function writePage(): void {
  const reports = readResults();
  mkdirSync(plotFolder, { recursive: true });
  for (const [file, svg] of plots(reports)) writeFileSync(join(plotFolder, file), svg);
  if (existsSync(pageFile)) writeFileSync(pageFile, drawPage(readFileSync(pageFile, 'utf8'), reports));
}

function table({ figures, machine, versions = {}, configuration, remarks = [], date, bench }: Report): string {
  const rows = figures.map((figure) => {
    const [min, median, max] = summary(figure);
    const limit = `${promise(figure)}${held(figure) === false ? ', missed' : ''}`;
    return `| ${nameOf(figure)} | ${min} | ${median} | ${max} | ${figure.unit} | ${limit} |`;
  });
  const known = { Node: machine.node, ...versions };
  return [
    '| | min | median | max | | promised |',
    '| --- | --: | --: | --: | --- | --- |',
    ...rows,
    '',
    `\`npm run bench -- ${bench}\`, ${date}, ${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, load ${machine.load[0]} at the start. ${listed(known, ' ')}. ${listed(configuration, ': ', '; ')}.`,
    ...[...sources(figures), ...remarks].flatMap((remark) => ['', remark]),
  ].join('\n');
}
