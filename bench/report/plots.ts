/** Which figures are worth looking at: one plot of bars a report, and its courses. The others are read in the table. */
import type { Report } from './report.ts';
import { bars, lines } from './svg.ts';

export interface Plot {
  file: string;
  title: string;
  svg: string;
}

/** Figures of one unit, and of these, where it is said, those whose names begin alike: bars share an axis. */
const PLOTTED: Readonly<Record<string, { unit: string; begins?: string; title: string }>> = {
  batcher: { unit: 'of the device', begins: 'useful tokens', title: 'useful tokens of a modelled 3090' },
  chunker: { unit: 'MB/CPU-s', title: 'text cut in a CPU second' },
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
    const { unit, begins = '', title } = plotted;
    const alike = figures.filter((figure) => figure.unit === unit && figure.name.startsWith(begins));
    if (alike.length > 1) plots.push({ file: `${bench}.svg`, title, svg: bars(`${title} (${unit})`, alike) });
  }
  if (courses.length > 0) plots.push({ file: `${bench}-course.svg`, title: question, svg: lines(question, courses) });
  return plots;
}
