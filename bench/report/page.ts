/**
 * docs/performance.md: its words are written by hand, its figures are drawn from bench/results. A block between
 * `<!-- figures NAME -->` and `<!-- end -->` holds the table of one report and its plots, which are files in `docs/performance/`. What
 * there is to say of figures stands outside the blocks: a report holds nothing that its command did not print.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plotsOf } from './plots.ts';
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

/** Writes the page and every plot; a plot that is not drawn any more goes. */
export function writePage(): void {
  const reports = readResults();
  rmSync(plotFolder, { recursive: true, force: true });
  mkdirSync(plotFolder, { recursive: true });
  for (const { file, svg } of [...reports.values()].flatMap(plotsOf)) writeFileSync(join(plotFolder, file), svg);
  if (existsSync(pageFile)) writeFileSync(pageFile, drawPage(readFileSync(pageFile, 'utf8'), reports));
}

function table(report: Report): string {
  const { figures, machine, versions = {}, configuration, remarks = [], date, bench } = report;
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
    ...plotsOf(report).flatMap(({ file, title }) => ['', `![${title}](performance/${file})`]),
  ].join('\n');
}
