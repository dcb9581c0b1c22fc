/** Which figures are worth looking at: one plot of bars a report, and its courses. The others are read in the table. */
import type { Report } from './report.ts';
import { bars, lines } from './svg.ts';

export interface Plot {
  file: string;
  title: string;
  svg: string;
}

/** Figures of one unit, and of these, where it is said, those whose names begin alike, and without what dwarfs them: bars share an axis. */
const PLOTTED: Readonly<Record<string, { unit: string; begins?: string; without?: string; title: string }>> = {
  batcher: { unit: 'of the device', begins: 'useful tokens', title: 'useful tokens of a modelled 3090' },
  chunker: { unit: 'MB/CPU-s', without: 'characters', title: 'text cut in a CPU second, counting exactly' },
  client: { unit: 'CPU ms per 1,000 vectors', title: 'taking vectors from an engine' },
  line: { unit: 'k tokens a CPU second', title: 'files in, rows searchable' },
  nightly: { unit: 'a CPU second', title: 'unchanged documents' },
  queue: { unit: 'jobs/s', title: 'chunks through the queue' },
  scale: { unit: 'of the devices', begins: 'useful tokens', title: 'useful tokens of modelled 3090s' },
  store: { unit: 'ms per 1,000 rows', title: 'client CPU of writing rows' },
};

export function plotsOf({ bench, question, figures, courses = [] }: Report): Plot[] {
  const plots: Plot[] = [];
  const plotted = PLOTTED[bench];
  if (plotted !== undefined) {
    const { unit, begins = '', without, title } = plotted;
    const alike = figures.filter(
      (figure) =>
        figure.unit === unit &&
        figure.name.startsWith(begins) &&
        (without === undefined || !figure.name.includes(without)),
    );
    if (alike.length > 1) plots.push({ file: `${bench}.svg`, title, svg: bars(`${title} (${unit})`, alike) });
  }
  // Two points are no course.
  if (courses.some(({ points }) => points.length > 2))
    plots.push({ file: `${bench}-course.svg`, title: question, svg: lines(question, courses) });
  return plots;
}
