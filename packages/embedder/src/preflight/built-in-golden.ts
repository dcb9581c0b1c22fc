/** Golden vectors of the engines that ship with Sluice. They have no tasks, so they know one variant. */
import { readFile } from 'node:fs/promises';
import { nullVector } from '../null-engine.ts';
import type { ResolvedEngine } from '../resolve-engine.ts';
import type { GoldenFile } from './golden.ts';

const NULL_TEXTS = ['Follow the white rabbit.', 'Hà Nội', '检索'];

/** Undefined for engines whose vectors come from elsewhere. */
export async function builtInGolden({ profile, space }: ResolvedEngine): Promise<GoldenFile | undefined> {
  const make = (entries: { text: string; vector: Float32Array }[]): GoldenFile => ({
    model: space.model,
    revision: space.modelRevision,
    dimension: space.fullDimension,
    variants: { none: { task: null, prompt: '', pooling: 'mean' } },
    texts: entries.map(({ text, vector }, i) => ({
      id: String(i),
      text,
      tokens: undefined,
      vectors: new Map([['none', vector]]),
    })),
  });
  if (profile.protocol === 'null' || profile.name === 'modelled') {
    return make(NULL_TEXTS.map((text) => ({ text, vector: nullVector(text, space.fullDimension) })));
  }
  if (profile.protocol !== 'static') return undefined;
  const file = await readFile(new URL('../../data/static-xlmr/golden.json', import.meta.url), 'utf8');
  const { texts } = JSON.parse(file) as { texts: { text: string; v256: string }[] };
  return make(
    texts.map(({ text, v256 }) => {
      const bytes = Buffer.from(v256, 'base64');
      return { text, vector: Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i)) };
    }),
  );
}
