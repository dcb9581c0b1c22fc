/**
 * The two curves of the live page, by uPlot. They share the history's first column, seconds since the epoch; colours come from
 * the sheet, so they are drawn anew when the reader's preference changes.
 *
 * @typedef {import('../live-feed.ts').History} History
 */
// @ts-expect-error served under this name
import Served from '/assets/uplot.js';

const Plot = /** @type {typeof import('uplot').default} */ (Served);
const CURVES = /** @type {const} */ ([
  { id: 'chart-rate', column: 1 },
  { id: 'chart-backlog', column: 2 },
]);
/** A curve shows at least so much of the past. */
const LEAST_SECONDS = 120;

const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
const minutes = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const seconds = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** @type {{ plot: import('uplot').default, element: HTMLElement, column: 1 | 2 }[]} */
let drawn = [];

/** @param {History} history */
export function drawCurves(history) {
  for (const { plot } of drawn) plot.destroy();
  drawn = CURVES.map(({ id, column }) => {
    const element = /** @type {HTMLElement} */ (document.getElementById(id));
    return { element, column, plot: new Plot(options(element), [history[0], history[column]], element) };
  });
}

/** @param {History} history */
export function updateCurves(history) {
  for (const { plot, column } of drawn) plot.setData([history[0], history[column]]);
}

export function fitCurves() {
  for (const { plot, element } of drawn) plot.setSize({ width: element.clientWidth, height: element.clientHeight });
}

/** @param {HTMLElement} element @returns {import('uplot').Options} */
function options(element) {
  const style = getComputedStyle(document.documentElement);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--quiet'),
    font: `12px ${style.fontFamily}`,
    ticks: { show: false },
    grid: { stroke: colour('--grid'), width: 1 },
  };
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    legend: { show: false },
    cursor: { show: false },
    padding: [10, 18, 0, 0],
    scales: {
      x: { range: (_plot, from, to) => [Math.min(from, to - LEAST_SECONDS), to] },
      y: { range: (_plot, _least, most) => [0, Math.max(10, most * 1.08)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 90,
        size: 26,
        incrs: [15, 30, 60, 120, 300],
        values: (_plot, at, _axis, _space, step) => at.map((t) => (step < 60 ? seconds : minutes).format(t * 1_000)),
      },
      { ...axis, size: 48, space: 36, values: (_plot, values) => values.map((value) => short.format(value)) },
    ],
    series: [{}, { stroke: colour('--water'), width: 1.75, fill: colour('--water-thin'), points: { show: false } }],
  };
}
