/** Whose fault it is that a model does not open: the device's, or its own. The CPU stands for a device that is there. */
import type { InferenceSession } from 'onnxruntime-node';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { openSession, PROVIDER_MISSING, type Providers } from './open-session.ts';

ort.env.logLevel = 'fatal';

/** Opens for real; `cuda` is here what the test says it is. */
const opening =
  (cuda: 'cpu' | 'cuda') =>
  (model: string | Uint8Array, providers: Providers): Promise<InferenceSession> => {
    const executionProviders = providers.map((name) => (name === 'cuda' ? cuda : name));
    return typeof model === 'string'
      ? ort.InferenceSession.create(model, { executionProviders })
      : ort.InferenceSession.create(model, { executionProviders });
  };
const nowhere = { modelFile: '/nowhere/model.onnx', device: 'cuda' } as const;

describe('a model that does not open', () => {
  it('is not blamed on a device that opens another', async () => {
    const error: unknown = await openSession(opening('cpu'), nowhere).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: expect.stringContaining('/nowhere/model.onnx') });
    expect(error).not.toMatchObject({ name: PROVIDER_MISSING });
  });

  it('is blamed on a device that opens none', async () => {
    await expect(openSession(opening('cuda'), nowhere)).rejects.toMatchObject({ name: PROVIDER_MISSING });
  });
});
