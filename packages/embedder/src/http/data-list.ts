/** `{model, data: [{index, embedding}], usage}`: the reply that Jina, OpenAI and all that copy them give. */
import { z } from 'zod';
import { type Items, ReplyShapeError } from './protocol.ts';
import type { ReplyJson } from './reply-json.ts';

/** Only the fields used; embeddings are looked at later, once. */
const shape = z.object({
  data: z.array(z.object({ index: z.number().int(), embedding: z.unknown() })),
  model: z.string().optional().catch(undefined),
  // What it says is a remark: whatever stands there, the vectors count.
  usage: z
    .object({ total_tokens: z.number().nonnegative().optional().catch(undefined) })
    .optional()
    .catch(undefined),
});

/** Puts the items in the order of their index. Count and index set must match exactly. */
export function readDataList({ value, text }: ReplyJson, rows: number): Items {
  const parsed = shape.safeParse(value);
  if (!parsed.success) throw new ReplyShapeError('{data: [{index, embedding}]}', 'another shape');
  const { data, usage, model } = parsed.data;
  if (data.length !== rows) throw new ReplyShapeError(`${rows} embeddings`, String(data.length));
  const embeddings: unknown[] = new Array(rows).fill(undefined);
  for (const { index, embedding } of data) {
    if (index < 0 || index >= rows) throw new ReplyShapeError(`an index from 0 to ${rows - 1}`, String(index));
    if (embeddings[index] !== undefined) throw new ReplyShapeError('each index once', `${index} twice`);
    if (embedding === undefined) throw new ReplyShapeError('an embedding', `none at index ${index}`);
    embeddings[index] = typeof embedding === 'string' ? text(embedding) : embedding;
  }
  return { embeddings, usageTokens: usage?.total_tokens, model };
}
