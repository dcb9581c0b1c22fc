/** In-process ONNX: the hub's export with `task_id`, exports with a merged adapter, and ordinary encoders. */
import { createRequire } from 'node:module';
import { type Logger, SluiceError } from '@sluice/core';
import { loadTokenizerModel } from '@sluice/tokenizer';
import type { EmbedRequest, Engine } from '../engine.ts';
import type { Profile } from '../profile.ts';
import { createThread } from '../thread.ts';
import { readModelFolder } from './model-folder.ts';
import type { OnnxAnswer, OnnxQuestion, OnnxThreadData } from './onnx-thread.ts';
import { PROVIDER_MISSING } from './open-session.ts';

/** This file's own ending: the same code runs as TypeScript and bundled. */
const threadFile = new URL(import.meta.url.endsWith('.ts') ? './onnx-thread.ts' : './onnx-thread.js', import.meta.url);

/** The order of the adapters in jina-embeddings-v3: their index is `task_id`. */
const TASK_IDS: Readonly<Record<string, number>> = {
  'retrieval.query': 0,
  'retrieval.passage': 1,
  separation: 2,
  classification: 3,
  'text-matching': 4,
};
/** Rows of one run: on a CPU more rows are no faster, on a GPU 16k tokens fill it. */
const PADDED_TOKENS = { cpu: 4_096, cuda: 16_384 } as const;

export interface OnnxOptions {
  profile: Profile;
  modelDir: string;
  tokenizer?: string | undefined;
  fullDimension: number;
  device: 'cpu' | 'cuda';
  /** Threads of one operation; 0: one a core. */
  threads?: number;
  /** Longest × rows of one run at most. Default: by device. */
  maxPaddedTokens?: number;
  logger: Logger;
}

/**
 * Resolves when the model is loaded. Throws `bad_configuration` when the folder is not whole or the model has another
 * dimension, `unsupported_platform` when ONNX Runtime or its CUDA libraries are not there.
 */
export async function createOnnxEngine(options: OnnxOptions): Promise<Engine> {
  const { modelDir, tokenizer, fullDimension, device, threads = 0, logger } = options;
  const { maxPaddedTokens = PADDED_TOKENS[device] } = options;
  const folder = await readModelFolder(modelDir, tokenizer);
  if (folder.hiddenSize !== undefined && folder.hiddenSize !== fullDimension) {
    throw new SluiceError('bad_configuration', {
      message: 'The model has another dimension than the settings say',
      where: modelDir,
      expected: `SLUICE_FULL_DIMENSION=${folder.hiddenSize}`,
      got: String(fullDimension),
    });
  }
  requireRuntime();
  const thread = createThread<OnnxQuestion, OnnxAnswer>({
    script: threadFile,
    what: 'The ONNX engine',
    workerData: {
      modelFile: folder.modelFile,
      tokenizerModel: await loadTokenizerModel(folder.tokenizerFile),
      device,
      threads,
      maxPaddedTokens,
      padId: folder.padId,
    } satisfies OnnxThreadData,
  });
  try {
    await thread.start();
  } catch (error) {
    throw isProviderMissing(error) ? withoutCuda(error) : error;
  }
  const described = await thread.call({ texts: [], taskId: 0, windowTokens: 0 });
  const takesTask = 'takesTask' in described && described.takesTask;
  if (takesTask && options.profile.task === 'none') {
    await thread.close();
    throw new SluiceError('bad_configuration', {
      message: 'The export takes a task, so it is no ordinary encoder',
      where: modelDir,
      expected: 'SLUICE_PASSAGE_INSTRUCTION and SLUICE_QUERY_INSTRUCTION unset',
    });
  }
  const profile = takesTask ? options.profile : withOneAdapter(options.profile);
  logger.info({ modelDir, device, takesTask }, 'model loaded');
  const windowTokens = profile.windowTokens ?? Number.MAX_SAFE_INTEGER;
  const instructions = {
    passage: { task: profile.spaceTask, text: profile.passageInstruction },
    query: { task: 'retrieval.query', text: profile.queryInstruction },
    none: { task: undefined, text: '' },
  };

  async function embed({ texts, role, task, signal }: EmbedRequest) {
    if (texts.length === 0) return { vectors: [] };
    if (!takesTask && (!profile.roles.includes(role) || task !== undefined)) {
      throw new SluiceError('engine_rejected', {
        message: 'The export has one adapter merged, so it takes no other task',
        where: modelDir,
        expected: profile.roles.join(' or '),
        got: task ?? role,
      });
    }
    const instruction = instructions[role];
    const taskId = takesTask ? TASK_IDS[task ?? instruction.task ?? ''] : 0;
    if (taskId === undefined) {
      // The export has no slot for the bare model.
      throw new SluiceError('engine_rejected', {
        message: 'The export needs a task',
        where: modelDir,
        expected: Object.keys(TASK_IDS).join(', '),
        got: task ?? 'none',
      });
    }
    const answer = await thread.call(
      { texts: texts.map((text) => instruction.text + text), taskId, windowTokens },
      signal,
    );
    if ('outOfMemory' in answer) {
      throw new SluiceError('engine_out_of_memory', {
        message: 'ONNX Runtime ran out of memory on this request',
        where: `${modelDir}, ${device}`,
        got: texts.length === 1 ? 'one text' : `${texts.length} texts`,
      });
    }
    if (!('vectors' in answer)) {
      throw new SluiceError('engine_rejected', {
        message: 'A text is longer than the window of the model',
        where: modelDir,
        expected: `at most ${windowTokens} tokens`,
        got: 'overLong' in answer ? String(answer.overLong.tokens) : 'no vectors',
      });
    }
    const { vectors, dimension, usageTokens } = answer;
    if (dimension !== fullDimension) {
      throw new SluiceError('wrong_dimension', {
        message: "The model's vectors have the wrong dimension",
        where: modelDir,
        expected: String(fullDimension),
        got: String(dimension),
      });
    }
    return {
      vectors: texts.map((_, row) => {
        const vector = vectors.subarray(row * dimension, (row + 1) * dimension);
        return vector.every(Number.isFinite) ? vector : null;
      }),
      usageTokens,
    };
  }

  return {
    profile,
    fullDimension,
    where: modelDir,
    embed,
    close: () => thread.close(),
    get abandoned() {
      return thread.abandoned;
    },
  };
}

/** An export without `task_id`: the passage adapter is merged, or the query adapter where the engine is for queries. */
function withOneAdapter(profile: Profile): Profile {
  if (profile.task === 'none') return profile; // an ordinary encoder: one set of weights for every role
  const roles = profile.roles.length === 1 ? profile.roles : (['passage'] as const);
  return { ...profile, task: 'merged', roles };
}

function requireRuntime(): void {
  try {
    createRequire(import.meta.url).resolve('onnxruntime-node');
  } catch (cause) {
    throw new SluiceError('unsupported_platform', {
      message: 'ONNX Runtime is not installed: it has no package for this platform, or optional packages were left out',
      where: 'onnxruntime-node',
      fix: 'Install it with ONNXRUNTIME_NODE_INSTALL=skip, which leaves its CUDA download out, or serve the model with another engine.',
      cause,
    });
  }
}

function isProviderMissing(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Error && error.cause.name === PROVIDER_MISSING;
}

function withoutCuda(cause: unknown): SluiceError {
  return new SluiceError('unsupported_platform', {
    message: 'ONNX Runtime cannot use CUDA here',
    where: 'SLUICE_ENGINE_DEVICE=cuda',
    fix: 'Do what docs/real-gpu.md says under "Without Docker" (CUDA 12 and cuDNN 9 on LD_LIBRARY_PATH, and ONNXRUNTIME_NODE_INSTALL=cuda12 node packages/embedder/node_modules/onnxruntime-node/script/install.js), or set SLUICE_ENGINE_DEVICE=cpu.',
    cause,
  });
}
