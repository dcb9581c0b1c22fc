/**
 * Golden vectors: what a right engine returns for known texts, and what each kind of wrong one returns. A file belongs to
 * one model and revision. Format: test/fixtures/jina-v3-tiny/README.md.
 */
import { readFile } from 'node:fs/promises';
import { SluiceError } from '@sluice/core';
import { z } from 'zod';
import type { Role } from '../engine.ts';

const variantShape = z.object({
  /** The adapter, or null for the bare model. */
  task: z.string().nullable(),
  /** What stood before the text, exactly. */
  prompt: z.string(),
  pooling: z.enum(['mean', 'cls']),
});

const shape = z.object({
  format: z.literal(1),
  model: z.string(),
  revision: z.string().optional(),
  dimension: z.number().int().positive(),
  variants: z.record(z.string(), variantShape),
  texts: z
    .array(
      z.object({
        id: z.string(),
        text: z.string(),
        /** By variant; `v` is base64 of little-endian float32, unit length. */
        vectors: z.record(z.string(), z.object({ v: z.string(), tokens: z.number().int().optional() })),
      }),
    )
    .min(1),
});

export type GoldenVariant = z.infer<typeof variantShape>;

export interface GoldenText {
  id: string;
  text: string;
  /** Tokens with instruction and specials, as counted by the reference; undefined when not recorded. */
  tokens: number | undefined;
  /** Unit vectors of the full dimension, by variant name. */
  vectors: ReadonlyMap<string, Float32Array>;
}

export interface GoldenFile {
  model: string;
  revision: string | undefined;
  dimension: number;
  variants: Readonly<Record<string, GoldenVariant>>;
  texts: readonly GoldenText[];
}

/** Throws `bad_configuration` when the file cannot be read or is not a golden file. */
export async function readGolden(path: string, where = `SLUICE_GOLDEN=${path}`): Promise<GoldenFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new SluiceError('bad_configuration', {
      message: 'The file of golden vectors cannot be read',
      where,
      cause: error,
    });
  }
  return parseGolden(text, where);
}

export function parseGolden(json: string, where: string): GoldenFile {
  const broken = (got: string) =>
    new SluiceError('bad_configuration', {
      message: 'The file of golden vectors is damaged',
      where,
      expected: 'the format that `sluice golden record` writes',
      got,
    });
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw broken('no JSON');
  }
  const parsed = shape.safeParse(value);
  if (!parsed.success) throw broken(parsed.error.issues[0]?.path.join('.') ?? 'another shape');
  const { model, revision, dimension, variants, texts } = parsed.data;
  return {
    model,
    revision,
    dimension,
    variants,
    texts: texts.map(({ id, text, vectors }) => ({
      id,
      text,
      tokens: Object.values(vectors)[0]?.tokens,
      vectors: new Map(
        Object.entries(vectors).map(([name, { v }]) => {
          const bytes = Buffer.from(v, 'base64');
          if (bytes.length !== dimension * 4) throw broken(`${id}, ${name}: ${bytes.length} bytes`);
          return [name, Float32Array.from({ length: dimension }, (_, i) => bytes.readFloatLE(4 * i))];
        }),
      ),
    })),
  };
}

/** Name of the variant that is right for a role. A model without tasks has one for all. */
export function rightVariant(role: Role, spaceTask: string): string {
  if (spaceTask === 'none' || role === 'none') return 'none';
  if (role === 'passage') return spaceTask;
  return spaceTask === 'retrieval.passage' ? 'retrieval.query' : 'query';
}
