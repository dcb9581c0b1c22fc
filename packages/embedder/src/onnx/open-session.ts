/**
 * Opens a model, and tells a provider that cannot be loaded (no CUDA library, no driver) from a model that cannot. ONNX Runtime throws a bare
 * Error for both; so after a failure the provider is asked for a model of one node, which only a missing provider refuses.
 */

export type Providers = ('cuda' | 'cpu')[];

/** `y = x`, in the protocol buffers of ONNX: IR version 7, operators of version 13, one float. */
const ONE_NODE = Uint8Array.from(
  Buffer.from(
    '08073a370a100a017812017922084964656e74697479120167' +
      '5a0f0a0178120a0a0808011204' +
      '0a020801' +
      '620f0a0179120a0a0808011204' +
      '0a020801' +
      '4202100d',
    'hex',
  ),
);

/** The name crosses from a thread to whoever started it; the class does not. */
export const PROVIDER_MISSING = 'ProviderMissingError';

/** Throws an error named `PROVIDER_MISSING` when the device is not to be had, and what `create` throws. */
export async function openSession<Session>(
  create: (model: string | Uint8Array, executionProviders: Providers) => Promise<Session>,
  { modelFile, device }: { modelFile: string; device: 'cpu' | 'cuda' },
): Promise<Session> {
  if (device === 'cpu') return create(modelFile, ['cpu']);
  try {
    return await create(modelFile, [device, 'cpu']);
  } catch (error) {
    await create(ONE_NODE, [device]).catch((cause: unknown) => {
      throw Object.assign(new Error(`the provider ${device} cannot be loaded`, { cause }), { name: PROVIDER_MISSING });
    });
    throw error;
  }
}
