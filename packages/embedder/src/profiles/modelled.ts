import type { Profile } from '../profile.ts';
import { jina } from './jina.ts';
import { nullEngine } from './null.ts';

export const modelled: Profile = {
  ...nullEngine,
  name: 'modelled',
  protocol: 'jina',
  summary:
    'The modelled or null engine of `sluice engine` over HTTP: the protocol and the tokens of jina, vectors from a hash of the text. For benchmarks and capacity planning.',
  modelRevision: 'modelled-1',
  trainedDimensions: jina.trainedDimensions,
  passageInstruction: jina.passageInstruction,
  queryInstruction: jina.queryInstruction,
  path: '/v1/embeddings',
  instruction: 'engine',
  base64: true,
  maxRows: 512,
  maxBytes: 16 * 1024 * 1024,
  pads: true,
  deadline: jina.deadline,
  why: {
    ...nullEngine.why,
    instruction: 'counted as jina would add it, so that a request costs what it will cost; the hash does not see it',
    base64: 'our own server answers base64 when asked',
    maxRows: 'as jina, whose place it takes',
    maxBytes: 'what our own server takes',
    pads: 'the modelled time is that of padded tokens',
  },
};
