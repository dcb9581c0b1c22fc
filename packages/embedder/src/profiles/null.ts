import type { Profile } from '../profile.ts';
import { staticEmbedding } from './static.ts';

export const nullEngine: Profile = {
  ...staticEmbedding,
  name: 'null',
  protocol: 'null',
  summary: 'Unit vectors made from a hash of the text, for benchmarks and tests of everything around the engine.',
  model: 'sluice-null',
  modelRevision: '1',
  servedModel: 'sluice-null',
  fullDimension: 1024,
  recommendedDimension: 1024,
  trainedDimensions: [],
  usageCounts: 'nothing',
  why: {
    ...staticEmbedding.why,
    instruction: 'a hash needs none',
    task: 'the vector depends on the text alone',
    overLong: 'a hash takes any length',
    unitNorm: 'made unit length',
    usageCounts: 'it counts nothing',
    pads: 'nothing is computed from tokens',
    roles: 'equal texts have equal vectors in every role; no other meaning',
    windowTokens: 'a hash has no window',
  },
};
