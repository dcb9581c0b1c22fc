/** Two kinds of plot as plain SVG: bars of figures, and courses over time. Colours that read on light and dark pages. */

import { short } from './render.ts';
import type { Course, Figure } from './report.ts';
import { median } from './report.ts';

const INK = '#808080';
const OURS = '#2b7bba';
const THEIRS = '#b0b0b0';
const LIMIT = '#d9534f';
const LINES = ['#2b7bba', '#e08e2b', '#3f9c57', '#a0529c'];
const WIDTH = 720;

/** One bar a figure, the longest first where they share a unit; a red tick where a promise is. */
export function bars(title: string, figures: readonly Figure[]): string {
  const values = figures.map(({ runs }) => median(runs));
  const limits = figures.map(({ limit }) =>
    limit === undefined ? 0 : 'atLeast' in limit ? limit.atLeast : limit.atMost,
  );
  const most = Math.max(...values, ...limits) || 1;
  // As wide as the longest name, at 13 px.
  const left = Math.round(Math.max(...figures.map(({ name }) => name.length)) * 6.8) + 12;
  const [right, row] = [150, 26];
  const width = Math.max(WIDTH, left + right + 200);
  const scale = (value: number) => (value / most) * (width - left - right);
  const height = 40 + figures.length * row;
  const rows = figures.flatMap((figure, index) => {
    const y = 34 + index * row;
    const value = values[index]!;
    const limit = limits[index]!;
    return [
      text(left - 8, y + 13, figure.name, 'end'),
      `<rect x="${left}" y="${y}" width="${Math.max(1, scale(value)).toFixed(1)}" height="18" fill="${figure.baseline === undefined ? OURS : THEIRS}"/>`,
      ...(limit > 0
        ? [`<rect x="${(left + scale(limit)).toFixed(1)}" y="${y - 2}" width="2" height="22" fill="${LIMIT}"/>`]
        : []),
      text(left + scale(Math.max(value, limit)) + 8, y + 13, `${short(value)} ${figure.unit}`, 'start'),
    ];
  });
  return page(title, { width, height }, rows);
}

/** Lines from zero; x in minutes. */
export function lines(title: string, courses: readonly Course[]): string {
  const [left, top, bottom, height] = [60, 34, 34, 300];
  const mostX = Math.max(...courses.flatMap(({ points }) => points.map(([x]) => x))) || 1;
  const mostY = Math.max(...courses.flatMap(({ points }) => points.map(([, y]) => y))) * 1.1 || 1;
  const px = (x: number) => left + (x / mostX) * (WIDTH - left - 10);
  const py = (y: number) => height - bottom - (y / mostY) * (height - top - bottom);
  const grid = [0.25, 0.5, 0.75, 1].flatMap((share) => [
    `<line x1="${left}" x2="${WIDTH - 10}" y1="${py(mostY * share).toFixed(1)}" y2="${py(mostY * share).toFixed(1)}" stroke="${INK}" stroke-opacity="0.25"/>`,
    text(left - 6, py(mostY * share) + 4, short(mostY * share), 'end'),
  ]);
  const drawn = courses.flatMap(({ name, unit, points }, index) => {
    const colour = LINES[index % LINES.length]!;
    const path = points.map(([x, y]) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`).join(' ');
    const y = height - 8;
    const x = left + index * 170;
    return [
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      `<rect x="${x}" y="${y - 9}" width="10" height="10" fill="${colour}"/>`,
      text(x + 16, y, `${name}, ${unit}`, 'start'),
    ];
  });
  return page(title, { width: WIDTH, height }, [...grid, ...drawn]);
}

function text(x: number, y: number, words: string, anchor: 'start' | 'end', bold = false): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${INK}"${bold ? ' font-weight="bold"' : ''}>${escaped(words)}</text>`;
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function page(title: string, { width, height }: { width: number; height: number }, content: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="13">`,
    `  <title>${escaped(title)}</title>`,
    `  ${text(0, 16, title, 'start', true)}`,
    ...content.map((element) => `  ${element}`),
    '</svg>',
    '',
  ].join('\n');
}
