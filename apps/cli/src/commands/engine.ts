/**
 * `sluice engine`: the in-process engine over HTTP, in the Jina protocol, for workers elsewhere. It listens at once and is 503
 * while the model comes and loads; a model that cannot be had ends the command.
 */
import { join, resolve } from 'node:path';
import { type Config, type Logger, SluiceError } from '@sluice/core';
import {
  createEngine,
  downloadModel,
  type Engine,
  openModelledEngine,
  readModelFolder,
  serveEngine,
} from '@sluice/embedder';
import { type Context, type Flags, homeOf } from '../context.ts';
import { exitCodes } from '../exit-code.ts';
import { createDownloadDisplay } from '../render/download.ts';
import { bold, cyan, dim, yellow } from '../render/style.ts';
import { count } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

export interface EngineCommandOptions {
  modelDir?: string;
  model?: string;
  device?: 'cpu' | 'cuda';
  host: string;
  port: number;
  /** Of the modelled engine. */
  tokensPerSecond: number;
  requestMs: number;
  memoryTokens: number;
  devices: number;
  json?: boolean;
  line?: string;
}

/** What is served, found before anything is loaded. */
interface Served {
  profile: 'onnx' | 'static' | 'null' | 'modelled';
  /** What replies call the model. */
  name: string;
  dir?: string;
  revision?: string;
  license?: string;
}

export async function run(options: EngineCommandOptions): Promise<void> {
  if (options.model !== undefined && options.modelDir !== undefined) {
    throw new SluiceError('bad_usage', {
      message: '--model and --model-dir exclude each other',
      fix: 'Name the folder with --model-dir, or the model with --model.',
    });
  }
  const flags: Flags = options.device === undefined ? {} : { SLUICE_ENGINE_DEVICE: options.device };
  await runCommand('engine', options, (context) => serve(context, options), flags);
}

async function serve(context: Context, options: EngineCommandOptions): Promise<number> {
  const { config, logger, releaser, signal } = context;
  const loading = Promise.withResolvers<Engine>();
  const server = await serveEngine({
    engine: loading.promise,
    model: nameOf(config, options),
    host: options.host,
    port: options.port,
    apiKey: config.SLUICE_ENGINE_API_KEY,
    logger,
  });
  releaser.push('the engine', () => server.close());
  const say = (text: string) => process.stderr.write(`${text}\n`);
  if (config.SLUICE_ENGINE_API_KEY === undefined && !['127.0.0.1', '::1', 'localhost'].includes(options.host)) {
    say(yellow('Whoever reaches this address may use the engine: set SLUICE_ENGINE_API_KEY to ask for a key.'));
  }
  try {
    const served = await findModel(context, options);
    const engine =
      served.profile === 'modelled'
        ? await openModelledEngine(config, { model: deviceModel(options), devices: options.devices })
        : await createEngine(await engineConfig(config, served), { logger });
    loading.resolve(engine);
    const { fullDimension } = engine;
    const device = served.profile === 'onnx' ? config.SLUICE_ENGINE_DEVICE : 'cpu';
    if (options.json === true) {
      const { profile: _, ...found } = served;
      printJson({ type: 'engine', url: server.url, ...found, dimension: fullDimension, device });
    } else {
      // Both answer vectors of no model, which only this profile takes.
      const profile = served.profile === 'modelled' || served.profile === 'null' ? 'SLUICE_ENGINE=modelled ' : '';
      const pinned = served.revision === undefined ? '' : ` SLUICE_MODEL_REVISION=${served.revision}`;
      say(
        [
          `${bold('The engine is ready')} until Ctrl-C.`,
          `  address    ${cyan(server.url)}  ${dim('POST /v1/embeddings, GET /health, GET /metrics')}`,
          `  model      ${served.name}, ${count(fullDimension)} dimensions, on ${device}`,
          ...(served.license === undefined ? [] : [`  licence    ${yellow(served.license)}, of the weights`]),
          `  check it   ${profile}SLUICE_ENGINE_URL=${server.url}${pinned} sluice doctor`,
        ].join('\n'),
      );
    }
  } catch (error) {
    loading.reject(error);
    if (signal.aborted) return exitCodes.interrupted;
    throw error;
  }
  if (!signal.aborted) await new Promise((done) => signal.addEventListener('abort', done, { once: true }));
  return exitCodes.ok;
}

function nameOf(config: Config, { model }: EngineCommandOptions): string {
  return config.SLUICE_SERVED_MODEL ?? config.SLUICE_MODEL ?? model?.split('@')[0] ?? 'jina-embeddings-v3';
}

function deviceModel({ tokensPerSecond, requestMs, memoryTokens }: EngineCommandOptions) {
  return { tokensPerSecond, requestMs, maxPaddedTokens: memoryTokens };
}

async function findModel(context: Context, options: EngineCommandOptions): Promise<Served> {
  const { config } = context;
  const { model } = options;
  const name = nameOf(config, options);
  if (model === 'static' || model === 'null' || model === 'modelled') return { profile: model, name };
  if (model !== undefined) return { profile: 'onnx', name, ...(await download(context, model)) };
  const dir = options.modelDir ?? config.SLUICE_MODEL_DIR;
  if (dir === undefined) {
    throw new SluiceError('bad_usage', {
      message: 'No model is named',
      expected: '--model or --model-dir',
      fix: 'Add --model jinaai/jina-embeddings-v3, or --model-dir FOLDER.',
    });
  }
  return { profile: 'onnx', name, dir: resolve(dir) };
}

async function download(
  { config, logger, signal }: { config: Config; logger: Logger; signal: AbortSignal },
  model: string,
): Promise<{ dir: string; revision: string; license?: string }> {
  const display = createDownloadDisplay();
  try {
    const { license, ...rest } = await downloadModel({
      model,
      into: join(homeOf(config), 'models'),
      hubUrl: config.SLUICE_HUB_URL,
      token: config.SLUICE_HUB_TOKEN,
      onProgress: display.show,
      logger,
      signal,
    });
    return { ...rest, ...(license !== undefined && { license }) };
  } finally {
    display.done();
  }
}

/** The settings of a consumer, such as the address of its engine, say nothing about the engine that is served here. */
async function engineConfig(config: Config, { profile, dir }: Served): Promise<Config> {
  const folder = dir === undefined ? undefined : await readModelFolder(dir, config.SLUICE_TOKENIZER);
  return {
    ...config,
    SLUICE_ENGINE: profile,
    SLUICE_ENGINE_URL: undefined,
    SLUICE_DIMENSION: undefined,
    SLUICE_MODEL_DIR: dir,
    SLUICE_FULL_DIMENSION: folder?.hiddenSize ?? config.SLUICE_FULL_DIMENSION,
  };
}
