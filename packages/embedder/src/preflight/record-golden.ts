/**
 * Golden vectors recorded from an engine that is trusted: the reference stack, or one that was proved right before. Any other
 * engine is then compared with it. What a task-taking engine can be asked for is recorded; mistakes need the weights.
 */
import { isSluiceError, SluiceError } from '@sluice/core';
import type { Engine, Role } from '../engine.ts';
import type { ResolvedEngine } from '../resolve-engine.ts';
import { rightVariant } from './golden.ts';

/** Short, so that an instruction shows; three languages, code and digits, so that a tokenizer shows. */
const TEXTS: Readonly<Record<string, string>> = {
  en: 'Follow the white rabbit.',
  vi: 'Hà Nội là thủ đô của Việt Nam.',
  zh: '向量数据库保存归一化后的向量。',
  code: 'const x = await embed(texts, 0.125);',
  word: 'yes',
};

/**
 * The contents of a golden file (see `readGolden`). Throws `bad_vector` when the engine has no vector for a plain text, and
 * whatever `embed` throws.
 */
export async function recordGolden(engine: Engine, { space }: ResolvedEngine): Promise<string> {
  const { profile } = engine;
  const prompts = { passage: profile.passageInstruction, query: profile.queryInstruction, none: '' };
  const asked: { variant: string; role: Role; task?: string }[] = profile.roles.map((role) => ({
    variant: rightVariant(role, space.task),
    role,
  }));
  if (profile.protocol === 'jina' || (profile.protocol === 'onnx' && profile.task === 'request-field')) {
    for (const task of ['text-matching', 'separation', 'classification'])
      asked.push({ variant: task, role: 'none', task });
  }
  const texts = Object.entries(TEXTS).map(([id, text]) => ({ id, text, vectors: {} as Record<string, { v: string }> }));
  const recorded: typeof asked = [];
  for (const one of asked) {
    const { variant, role, task } = one;
    const reply = await engine
      .embed({ texts: texts.map(({ text }) => text), tokens: texts.map(() => 64), role, task })
      .catch((error: unknown) => {
        // An engine may refuse to embed without a task: then there is no such vector to record.
        if (role === 'none' && isSluiceError(error) && error.code === 'engine_rejected') return undefined;
        throw error;
      });
    if (reply === undefined) continue;
    recorded.push(one);
    const { vectors } = reply;
    for (const [i, vector] of vectors.entries()) {
      if (vector === null)
        throw new SluiceError('bad_vector', {
          message: 'The engine has no vector for a plain text',
          where: engine.where,
        });
      texts[i]!.vectors[variant] = {
        v: Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64'),
      };
    }
  }
  const variants = Object.fromEntries(
    recorded.map(({ variant, role, task }) => [
      variant,
      { task: task ?? (variant === 'none' ? null : variant), prompt: prompts[role], pooling: 'mean' },
    ]),
  );
  const { model, modelRevision: revision, fullDimension: dimension } = space;
  return `${JSON.stringify({ format: 1, model, revision, dimension, variants, texts }, null, 1)}\n`;
}
