/** How much a smaller stored dimension costs, measured on the user's own vectors: the basis for choosing SLUICE_DIMENSION. */
import { cutVector } from './matryoshka.ts';

export interface DimensionRecall {
  dimension: number;
  /** Mean share of the full vectors' nearest `k` that are among the cut vectors' nearest `k`, 0 to 1. */
  recall: number;
  /** Bytes of a million vectors as float32, without an index. */
  bytesPerMillion: number;
}

/**
 * For each dimension the recall@k against the full vector: every vector of the sample is a query once, itself left out.
 * Costs sample² × dimension multiplications: 1,000 vectors of 1,024 take about a second. `progress` is called between dimensions, and
 * the event loop is let go there. Vectors must be finite and not zero. Throws a RangeError when the sample has no k others.
 */
export async function dimensionRecall(
  vectors: readonly Float32Array[],
  dimensions: readonly number[],
  { k = 10, progress }: { k?: number; progress?: (dimension: number) => void } = {},
): Promise<DimensionRecall[]> {
  const full = vectors[0]?.length ?? 0;
  if (vectors.length <= k) throw new RangeError(`recall@${k} needs more than ${k} vectors, got ${vectors.length}`);
  const truth = nearest(vectors, full, k);
  const found: DimensionRecall[] = [];
  for (const dimension of dimensions) {
    progress?.(dimension);
    await new Promise((resolve) => setImmediate(resolve));
    const own = dimension === full ? truth : nearest(vectors, dimension, k);
    const shared = own.map((neighbours, i) => neighbours.filter((one) => truth[i]!.includes(one)).length);
    const recall = shared.reduce((sum, count) => sum + count, 0) / (k * vectors.length);
    found.push({ dimension, recall, bytesPerMillion: dimension * 4 * 1_000_000 });
  }
  return found;
}

/** The k nearest others of each vector by cosine, cut to `dimension`. Ties go to the earlier one. */
function nearest(vectors: readonly Float32Array[], dimension: number, k: number): number[][] {
  const cut = vectors.map((vector) => cutVector(vector, dimension));
  return cut.map((query, i) => {
    const best: { other: number; score: number }[] = [];
    for (let other = 0; other < cut.length; other++) {
      if (other === i) continue;
      const candidate = cut[other]!;
      let score = 0;
      for (let d = 0; d < dimension; d++) score += query[d]! * candidate[d]!;
      if (best.length === k && score <= best[k - 1]!.score) continue;
      let at = best.length;
      while (at > 0 && best[at - 1]!.score < score) at--;
      best.splice(at, 0, { other, score });
      if (best.length > k) best.pop();
    }
    return best.map(({ other }) => other);
  });
}
