/**
 * What `sluice bench engine` finds, on a device whose rate is known: the modelled 3090, served over HTTP by a process of its own. Beside
 * it, in the same minutes, requests of one text, as a plain client sends them.
 *
 * Where there is an NVIDIA card besides: `sluice engine --device cuda` with a model of the real size and random weights. Where there is
 * none, nothing is measured of it: a full run tries generator and path with a small shape on the CPU, and says so.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadConfig, silentLogger } from '@sluice/core';
import { createEngine, type Engine, type EngineMeasurement, measureEngine, RTX_3090 } from '@sluice/embedder';
import { environmentPython } from '@sluice/test/engine-environment';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import { bench } from '../report/bench.ts';
import type { Figure } from '../report/report.ts';
import { busyWhile, flopsPerToken, gpuName, peakFlops } from './gpu.ts';
import { serveEngineProcess } from './served-engine.ts';

/** What a line with its defaults sends. */
const LINE = { lengths: [2_048, 4_096], sizes: [4_096, 8_192, 16_384], maxRows: 32 };
const GPU_LENGTHS = [512, 2_048, 4_096];
const SMALL = ['--layers', '2', '--hidden', '64', '--heads', '4', '--ffn', '128'];
const GENERATOR = { packages: ['onnx==1.23.2', 'numpy==2.4.2'] };

await bench({
  name: 'engine',
  question: 'what is found out about an engine',
  async measure({ short, say }) {
    const rounds = short ? 1 : 3;
    const modelled = await modelledFigures(RTX_3090, { rounds, repeats: short ? 1 : 3, say });
    const gpu = await gpuName();
    const remarks: string[] = [];
    const figures = [...modelled];
    if (gpu !== undefined && short) {
      remarks.push(`What the ${gpu} computes is measured in the full form.`);
    } else if (gpu !== undefined) {
      say(gpu);
      figures.push(...(await gpuFigures(gpu)));
    } else {
      const tried = short ? '' : ` ${await smoke(say)}`;
      remarks.push(`There is no NVIDIA card here, so nothing was measured of an engine with real work to do.${tried}`);
    }
    return {
      configuration: {
        device: `modelled, ${RTX_3090.tokensPerSecond} padded tokens/s and ${RTX_3090.requestMs} ms a request, over HTTP`,
        'tokens a text': LINE.lengths.join(' and '),
        'padded tokens a request': LINE.sizes.join(', '),
        rounds,
        'NVIDIA card': gpu ?? 'none',
      },
      figures,
      remarks,
    };
  },
});

async function modelledFigures(
  { tokensPerSecond, requestMs }: { tokensPerSecond: number; requestMs: number },
  { rounds, repeats, say }: { rounds: number; repeats: number; say(text: string): void },
): Promise<Figure[]> {
  await using served = await serveEngineProcess([
    ...['--model', 'modelled', '--tokens-per-second', String(tokensPerSecond), '--request-ms', String(requestMs)],
  ]);
  const client = await openClient(served.url, { SLUICE_ENGINE: 'modelled' });
  const found: EngineMeasurement[] = [];
  const alone: number[] = [];
  try {
    for (let round = 1; round <= rounds; round++) {
      say(`modelled device, round ${round} of ${rounds}`);
      found.push(await measureEngine(client.engine, { ...LINE, count: client.count, repeats, inFlight: [1, 2, 4] }));
      const one = { ...LINE, sizes: [4_096], maxRows: 1 };
      const { inFlight } = await measureEngine(client.engine, { ...one, count: client.count, repeats, inFlight: [1] });
      alone.push(inFlight[0]!.tokensPerSecond);
    }
  } finally {
    await client.engine.close();
  }
  const fastest = ({ inFlight }: EngineMeasurement) => Math.max(...inFlight.map((entry) => entry.tokensPerSecond));
  const known = (paddedTokens: number) => paddedTokens / (paddedTokens / tokensPerSecond + requestMs / 1_000);
  const off = (value: number, truth: number) => 100 * Math.abs(value / truth - 1);
  return [
    { name: 'tokens, best size', unit: 'k/s', runs: found.map((one) => fastest(one) / 1_000) },
    { name: 'tokens, one text a request', unit: 'k/s', runs: alone.map((rate) => rate / 1_000), baseline: true },
    {
      name: 'rate found, off the true one',
      unit: '%',
      runs: found.map(({ rate }) => off(rate.tokensPerSecond, tokensPerSecond)),
      limit: { atMost: 3 },
    },
    {
      name: 'time of a corpus found, off the true one',
      unit: '%',
      runs: found.map((one) => off(fastest(one), known(one.bestPaddedTokens))),
      limit: { atMost: 3 },
    },
    { name: 'best size found', unit: 'padded tokens', runs: found.map(({ bestPaddedTokens }) => bestPaddedTokens) },
  ];
}

/** A model of the real size, several requests at a time of the best size for each length. */
async function gpuFigures(gpu: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  await withRandomModel([], async (dir) => {
    await using served = await serveEngineProcess(['--model-dir', dir, '--device', 'cuda']);
    const client = await openClient(served.url, randomModel(dir, 1_024));
    const peak = peakFlops(gpu);
    try {
      for (const tokens of GPU_LENGTHS) {
        const options = { lengths: [tokens], maxRows: 32, count: client.count, inFlight: [2] };
        const found = await measureEngine(client.engine, { ...options, sizes: [4_096, 8_192, 16_384], repeats: 5 });
        const rates: number[] = [];
        const busy = await busyWhile(async () => {
          const best = { ...options, sizes: [found.bestPaddedTokens], repeats: 1 };
          for (let i = 0; i < 3; i++)
            rates.push((await measureEngine(client.engine, best)).inFlight[0]!.tokensPerSecond);
        });
        const name = `${tokens} tokens a text`;
        figures.push(
          { name: `${gpu}, ${name}`, unit: 'tokens/s', runs: rates },
          { name: `${gpu} busy, ${name}`, unit: 'of the time', runs: [busy] },
        );
        if (peak !== undefined) {
          const bound = peak / flopsPerToken(tokens);
          figures.push({ name: `${gpu}, ${name}`, unit: 'of its bound', runs: rates.map((rate) => rate / bound) });
        }
      }
    } finally {
      await client.engine.close();
    }
  });
  return figures;
}

/** Nothing of it is a figure. */
async function smoke(say: (text: string) => void): Promise<string> {
  say('random weights, a small shape on the CPU');
  await withRandomModel(SMALL, async (dir) => {
    await using served = await serveEngineProcess(['--model-dir', dir, '--device', 'cpu']);
    const { engine, count } = await openClient(served.url, randomModel(dir, 64));
    try {
      await measureEngine(engine, { lengths: [512], sizes: [1_024], maxRows: 2, repeats: 1, inFlight: [2], count });
    } finally {
      await engine.close();
    }
  });
  return 'Generator and path were tried with 2 layers of 64 on the CPU.';
}

async function withRandomModel(shape: readonly string[], work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-random-'));
  try {
    const python = await environmentPython(GENERATOR);
    await promisify(execFile)(python, [join(import.meta.dirname, 'random_weights.py'), dir, ...shape]);
    await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function randomModel(dir: string, width: number): Record<string, string> {
  return {
    SLUICE_ENGINE: 'jina',
    SLUICE_MODEL: 'random-weights',
    SLUICE_FULL_DIMENSION: String(width),
    SLUICE_TOKENIZER: join(dir, 'tokenizer.json'),
  };
}

/** Tokens are counted as `sluice engine` counts them: with the specials and the instruction. */
async function openClient(
  url: string,
  settings: Record<string, string>,
): Promise<{ engine: Engine; count(text: string): number }> {
  const { config } = loadConfig([{ name: 'bench', values: { ...settings, SLUICE_ENGINE_URL: url } }]);
  const tokenizer = createTokenizer(await loadTokenizerModel(config.SLUICE_TOKENIZER));
  const engine = await createEngine(config, { logger: silentLogger });
  const around = tokenizer.specialTokens + tokenizer.count(engine.profile.passageInstruction);
  return { engine, count: (text) => tokenizer.count(text) + around };
}
