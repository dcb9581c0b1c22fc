/** What became of modelled devices: the three shares that a line is judged by. */
import type { DeviceModel, DeviceStatistics } from '@sluice/embedder';

/** The time runs from the start of the first request on any device to the end of the last one. */
export function usefulShare(
  devices: readonly DeviceStatistics[],
  { tokensPerSecond }: Pick<DeviceModel, 'tokensPerSecond'>,
): { useful: number; padding: number; busy: number } {
  const used = devices.filter(({ requests }) => requests > 0);
  const sum = (part: (seen: DeviceStatistics) => number) => used.reduce((total, seen) => total + part(seen), 0);
  const spanMs =
    Math.max(...used.map(({ lastEndMs }) => lastEndMs)) - Math.min(...used.map(({ firstStartMs }) => firstStartMs));
  const usefulTokens = sum((seen) => seen.usefulTokens);
  return {
    useful: usefulTokens / ((spanMs / 1_000) * tokensPerSecond * devices.length),
    padding: 1 - usefulTokens / sum((seen) => seen.paddedTokens),
    busy: sum((seen) => seen.busyMs) / (spanMs * devices.length),
  };
}
