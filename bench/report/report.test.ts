import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { drawPage, readResults } from './page.ts';
import { plotsOf } from './plots.ts';
import { type Figure, held, type Limit, type Report } from './report.ts';

const figure = (runs: number[], limit: Limit): Figure => ({ name: 'a figure', unit: 'ms', runs, limit });

test('a promise is of the median, and of every run where one miss is one too many', () => {
  expect(held(figure([10, 12, 60, 60, 11], { atMost: 20 }))).toBe(true);
  expect(held(figure([10, 12, 60, 60, 11], { atMost: 20, everyRun: true }))).toBe(false);
  expect(held(figure([1, 0.9, 1], { atLeast: 0.95 }))).toBe(true);
  expect(held(figure([1, 0.9, 1], { atLeast: 0.95, everyRun: true }))).toBe(false);
  expect(held(figure([19, 20], { atMost: 20, everyRun: true }))).toBe(true);
  expect(held({ name: 'a figure', unit: 'ms', runs: [1] })).toBeUndefined();
});

test('the page shows figures, what was quoted and from where, versions and what was missed, and keeps the words around them', () => {
  const report: Report = {
    bench: 'line',
    question: 'what the line costs',
    form: 'full',
    date: '2026-01-02',
    machine: { cpu: 'a CPU', cores: 2, memoryGiB: 8, system: 'Linux', node: 'v24.0.0', load: [1, 1, 1] },
    versions: { Sluice: '0123456789', Valkey: '9.1.2' },
    seconds: 1,
    configuration: { documents: 500 },
    figures: [
      figure([1, 2, 9], { atMost: 3, everyRun: true }),
      { name: 'a peer', unit: 'ms', runs: [4], baseline: { source: 'its own page' } },
    ],
  };
  const page = 'Before.\n<!-- figures line -->\nold\n<!-- end -->\nAfter.\n<!-- figures other -->\nkept\n<!-- end -->';
  const drawn = drawPage(page, new Map([['line', report]]));
  expect(drawn).toMatch(/^Before\..*After\..*kept/s);
  expect(drawn).not.toContain('old');
  expect(drawn).toContain('| a figure | 1 | 2 | 9 | ms | ≤ 3 in every run, missed |');
  expect(drawn).toContain('| a peer (quoted) |  | 4 |  | ms |  |');
  expect(drawn).toContain('Quoted, a peer: its own page.');
  expect(drawn).toContain('Node v24.0.0, Sluice 0123456789, Valkey 9.1.2. documents: 500.');
});

const root = join(import.meta.dirname, '../..');
const published = readFileSync(join(root, 'docs/performance.md'), 'utf8');

test('the published page is what its results draw, and every plot is shown', () => {
  const reports = readResults();
  expect(published).toBe(drawPage(published, reports));
  const drawn = [...reports.values()].flatMap(plotsOf).map(({ file }) => file);
  expect(readdirSync(join(root, 'docs/performance')).toSorted()).toEqual(drawn.toSorted());
});

test('every benchmark has its place on the page', () => {
  const benchmarks = readdirSync(join(root, 'bench'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && readdirSync(join(root, 'bench', entry.name)).includes('run.ts'))
    .map(({ name }) => name);
  expect([...published.matchAll(/<!-- figures ([a-z-]+) -->/g)].map(([, name]) => name).toSorted()).toEqual(
    benchmarks.toSorted(),
  );
});
