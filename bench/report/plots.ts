/** Which plots there are: a file name and what it shows of which report. */
import type { Figure, Report } from './report.ts';
import { bars, lines } from './svg.ts';

export function* plots(reports: ReadonlyMap<string, Report>): Generator<[file: string, svg: string]> {
  for (const { bench, question, figures, courses = [] } of reports.values()) {
    for (const [index, [unit, alike]] of [...byUnit(figures)].entries()) {
      yield [`${bench}-${index + 1}.svg`, bars(`${question} (${unit})`, alike)];
    }
    if (courses.length > 0) yield [`${bench}-course.svg`, lines(question, courses)];
  }
}

/** Bars share an axis, so they share a unit; a figure alone is no plot. */
function byUnit(figures: readonly Figure[]): Map<string, Figure[]> {
  const groups = Map.groupBy(figures, ({ unit }) => unit);
  return new Map([...groups].filter(([, alike]) => alike.length > 1));
}
