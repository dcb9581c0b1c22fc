/** What nvidia-smi says: which card there is, and how busy it is. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

const SAMPLE_MS = 200;

/** Name of the first card; undefined where there is none, or no driver. */
export async function gpuName(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader']);
    return stdout.trim().split('\n')[0] || undefined;
  } catch {
    return undefined;
  }
}

/** Share of the time in which a kernel ran while `work` did, by the samples of the first card. */
export async function busyWhile(work: () => Promise<unknown>): Promise<number> {
  const watch = spawn(
    'nvidia-smi',
    ['--id=0', '--query-gpu=utilization.gpu', '--format=csv,noheader,nounits', `--loop-ms=${SAMPLE_MS}`],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const said = text(watch.stdout);
  const ended = once(watch, 'exit');
  try {
    await work();
  } finally {
    watch.kill();
    await ended;
  }
  const samples = (await said).trim().split('\n').map(Number).filter(Number.isFinite);
  // The first was taken before the first request had arrived.
  const during = samples.slice(1);
  return during.reduce((sum, percent) => sum + percent, 0) / during.length / 100;
}

/** The model: 24 layers of 1,024, 16 heads, 4,096 between; 2 operations a weight and token, and 4 a layer, width and token of the text for attention. */
export function flopsPerToken(tokens: number): number {
  const [layers, width, inner] = [24, 1_024, 4_096];
  return 2 * layers * (4 * width ** 2 + 2 * width * inner) + layers * 4 * width * tokens;
}

/** Dense half precision with float32 sums, operations a second, by the makers' data sheets. */
const PEAK: [name: RegExp, flops: number][] = [
  [/RTX 3090/, 71e12],
  [/A100/, 312e12],
  [/H100|H200/, 989e12],
];

/** Undefined for a card that is not in the table. */
export function peakFlops(gpu: string): number | undefined {
  return PEAK.find(([name]) => name.test(gpu))?.[1];
}
