/** What `/metrics` says, in the Prometheus text format. */
import type { DeviceStatistics } from '../modelled/device.ts';

export interface EngineMetrics {
  answered(status: number, milliseconds: number): void;
  embedded(rows: number, tokens: number): void;
  /** `devices`: what modelled devices did. */
  text(state: { inFlight: number; ready: boolean; devices: readonly DeviceStatistics[] }): string;
}

export function createEngineMetrics(): EngineMetrics {
  const requests = new Map<number, number>();
  let seconds = 0;
  let rows = 0;
  let tokens = 0;
  return {
    answered(status, milliseconds) {
      requests.set(status, (requests.get(status) ?? 0) + 1);
      seconds += milliseconds / 1_000;
    },
    embedded(moreRows, moreTokens) {
      rows += moreRows;
      tokens += moreTokens;
    },
    text({ inFlight, ready, devices }) {
      const metric = (name: string, type: string, help: string, ...lines: string[]) => [
        `# HELP sluice_engine_${name} ${help}`,
        `# TYPE sluice_engine_${name} ${type}`,
        ...lines.map((line) => `sluice_engine_${name}${line}`),
      ];
      const perDevice = (value: (seen: DeviceStatistics) => number) =>
        devices.map((seen, index) => `{device="${index}"} ${value(seen)}`);
      return `${[
        ...metric('ready', 'gauge', 'Whether the model is loaded.', ` ${ready ? 1 : 0}`),
        ...metric('in_flight', 'gauge', 'Embedding requests under way.', ` ${inFlight}`),
        ...metric(
          'requests_total',
          'counter',
          'Embedding requests answered, by HTTP status.',
          ...[...requests].map(([status, count]) => `{status="${status}"} ${count}`),
        ),
        ...metric('request_seconds_total', 'counter', 'Time spent on embedding requests.', ` ${seconds.toFixed(3)}`),
        ...metric('texts_total', 'counter', 'Texts embedded.', ` ${rows}`),
        ...metric('tokens_total', 'counter', 'Tokens embedded, instruction and specials included.', ` ${tokens}`),
        ...(devices.length === 0
          ? []
          : [
              ...metric(
                'device_busy_seconds_total',
                'counter',
                'Time that a modelled device computed.',
                ...perDevice(({ busyMs }) => busyMs / 1_000),
              ),
              ...metric(
                'device_span_seconds',
                'gauge',
                'From the start of the first request to the end of the last, of a modelled device.',
                ...perDevice(({ firstStartMs, lastEndMs }) => (lastEndMs - firstStartMs) / 1_000),
              ),
              ...metric(
                'device_padded_tokens_total',
                'counter',
                'Padded tokens that a modelled device computed.',
                ...perDevice(({ paddedTokens }) => paddedTokens),
              ),
            ]),
      ].join('\n')}\n`;
    },
  };
}
