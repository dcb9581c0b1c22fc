/** The body of an embeddings request in the Jina protocol, and what it asks for. Unknown fields are ignored, as jina-on-prem does. */
import { z } from 'zod';
import type { Role } from '../engine.ts';

const textInput = z.union([z.string(), z.object({ text: z.string() }).transform(({ text }) => text)]);
const encoding = z.enum(['float', 'base64']);

const shape = z.object({
  input: z.union([textInput.transform((text) => [text]), z.array(textInput).min(1)]),
  task: z.enum(['retrieval.passage', 'retrieval.query', 'separation', 'classification', 'text-matching']).optional(),
  dimensions: z.number().int().positive().optional(),
  normalized: z.boolean().default(true),
  truncate: z.boolean().default(false),
  embedding_type: encoding.optional(),
  encoding_format: encoding.optional(),
  late_chunking: z.boolean().default(false),
});

export interface EmbeddingsRequest {
  texts: string[];
  role: Role;
  /** For tasks that are no role. */
  task: string | undefined;
  dimensions: number | undefined;
  normalized: boolean;
  base64: boolean;
}

export interface FieldProblem {
  field: string;
  message: string;
  type: string;
}

/** The request, or what is wrong with it: names of fields and rules, never what was sent. */
export function readEmbeddingsRequest(
  body: unknown,
  limits: { maxRows: number; dimension: number },
): { request: EmbeddingsRequest } | { problems: FieldProblem[] } {
  // Before anything looks at each of them: a list of millions would take seconds to be called wrong.
  const rows = rowsOf(body);
  if (rows > limits.maxRows) {
    return {
      problems: [
        { field: 'body -> input', message: `at most ${limits.maxRows} texts, got ${rows}`, type: 'value_error' },
      ],
    };
  }
  const parsed = shape.safeParse(body);
  if (!parsed.success) {
    return {
      problems: parsed.error.issues.map(({ path, code }) => ({
        field: ['body', ...path].join(' -> '),
        message: 'not of the documented form',
        type: code,
      })),
    };
  }
  const { input, task, dimensions, normalized, truncate, embedding_type, encoding_format, late_chunking } = parsed.data;
  const problems: FieldProblem[] = [];
  const problem = (field: string, message: string) =>
    problems.push({ field: `body -> ${field}`, message, type: 'value_error' });
  if (dimensions !== undefined && dimensions > limits.dimension) problem('dimensions', `at most ${limits.dimension}`);
  if (truncate) problem('truncate', 'this engine never cuts a text: split it instead');
  if (late_chunking) problem('late_chunking', 'not served');
  if (problems.length > 0) return { problems };
  const role: Role = task === 'retrieval.passage' ? 'passage' : task === 'retrieval.query' ? 'query' : 'none';
  return {
    request: {
      texts: input,
      role,
      task: role === 'none' ? task : undefined,
      dimensions,
      normalized,
      base64: (embedding_type ?? encoding_format) === 'base64',
    },
  };
}

function rowsOf(body: unknown): number {
  const input = body !== null && typeof body === 'object' && 'input' in body ? body.input : undefined;
  return Array.isArray(input) ? input.length : 1;
}
