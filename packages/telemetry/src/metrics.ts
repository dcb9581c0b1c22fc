/**
 * The metrics of one process, in the Prometheus text format. What costs a question (the queue's length, Redis' memory) is
 * asked when somebody scrapes, by collectors with a deadline; one that fails leaves its gauges out and the rest stands.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type Clock, createErrorCollapser, type Logger, systemClock } from '@sluice/core';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import {
  type CounterName,
  type GaugeName,
  type HistogramName,
  type LabelsOf,
  type MetricName,
  metricPrefix,
  metricTable,
} from './metric-table.ts';

/** Labels where a metric has some, nothing where it has none. */
type Labelled<N extends MetricName> = keyof LabelsOf<N> extends never ? [] : [labels: LabelsOf<N>];

/** Sets gauges, and may return more text in the same format (BullMQ's own counters). */
export type Collector = () => Promise<string | undefined>;

export interface Metrics {
  count<N extends CounterName>(name: N, by: number, ...labels: Labelled<N>): void;
  observe<N extends HistogramName>(name: N, value: number, ...labels: Labelled<N>): void;
  /** `undefined` takes the gauge away: nothing is known. */
  set<N extends GaugeName>(name: N, value: number | undefined, ...labels: Labelled<N>): void;
  collect(collector: Collector): void;
  /** What `/metrics` answers. Never rejects, and never waits longer than a collector may take. */
  text(): Promise<string>;
}

const COLLECT_MS = 2_000;

export function createMetrics({
  service,
  logger,
  clock = systemClock,
}: {
  service: LabelsOf<'build_info'>['service'];
  logger: Logger;
  clock?: Clock;
}): Metrics {
  const registry = new Registry();
  const collapse = createErrorCollapser(logger);
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  const collectors: Collector[] = [];

  for (const [name, { type, help, labels, ...rest }] of Object.entries(metricTable)) {
    const options = { name: metricPrefix + name, help, labelNames: Object.keys(labels), registers: [registry] };
    if (type === 'counter') counters.set(name, new Counter(options));
    else if (type === 'gauge') gauges.set(name, new Gauge(options));
    else if ('buckets' in rest) histograms.set(name, new Histogram({ ...options, buckets: [...rest.buckets] }));
    // Every series that alarms look at is there from the start: a counter that appears at 1 has no rate.
    const values = Object.entries(labels) as [string, readonly string[]][];
    if (type === 'counter' && values.length === 1 && values[0]![1].length <= 10)
      for (const value of values[0]![1]) counters.get(name)!.inc({ [values[0]![0]]: value }, 0);
    if (type === 'gauge' && values.length === 0) gauges.get(name)!.remove();
  }
  collectDefaultMetrics({ register: registry });
  gauges.get('build_info')!.set({ service }, 1);
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();

  async function runCollector(collector: Collector): Promise<string | undefined> {
    const giveUp = new AbortController();
    try {
      return await Promise.race([
        collector(),
        clock.sleep(COLLECT_MS, giveUp.signal).then(() => {
          throw new Error(`a collector took longer than ${COLLECT_MS} ms`);
        }),
      ]);
    } catch (error) {
      collapse(error, 'some metrics could not be collected');
      return undefined;
    } finally {
      giveUp.abort();
    }
  }

  return {
    count: (name, by, ...[labels]) => counters.get(name)!.inc((labels ?? {}) as Record<string, string>, by),
    observe: (name, value, ...[labels]) =>
      histograms.get(name)!.observe((labels ?? {}) as Record<string, string>, value),
    set(name, value, ...[labels]) {
      const given = (labels ?? {}) as Record<string, string>;
      if (value === undefined) gauges.get(name)!.remove(given);
      else gauges.get(name)!.set(given, value);
    },
    collect: (collector) => void collectors.push(collector),
    async text() {
      for (const [quantile, nanoseconds] of [
        ['0.5', delay.percentile(50)],
        ['0.99', delay.percentile(99)],
        ['1', delay.max],
      ] as const)
        gauges.get('event_loop_delay_seconds')!.set({ quantile }, nanoseconds / 1e9);
      delay.reset();
      const more = await Promise.all(collectors.map(runCollector));
      return [await registry.metrics(), ...more.filter((text) => text !== undefined)].join('\n');
    },
  };
}

/** For whoever has nobody to tell. */
export const noMetrics: Metrics = {
  count: () => undefined,
  observe: () => undefined,
  set: () => undefined,
  collect: () => undefined,
  text: async () => '',
};
