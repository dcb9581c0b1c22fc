/** BM25 with the usual constants (k1 1.2, b 0.75); words, and pairs of characters where a script has no spaces. */

const K1 = 1.2;
const B = 0.75;

export class Bm25 {
  readonly #postings = new Map<string, Map<number, number>>();
  readonly #lengths: number[];
  readonly #mean: number;

  constructor(texts: readonly string[]) {
    this.#lengths = texts.map((text, at) => {
      const terms = termsOf(text);
      for (const term of terms) {
        const postings = this.#postings.get(term) ?? new Map<number, number>();
        postings.set(at, (postings.get(at) ?? 0) + 1);
        this.#postings.set(term, postings);
      }
      return terms.length;
    });
    this.#mean = this.#lengths.reduce((sum, length) => sum + length, 0) / texts.length;
  }

  /** Texts by falling score; those without a term of the query are left out. */
  rank(query: string): number[] {
    const scores = new Map<number, number>();
    for (const term of new Set(termsOf(query))) {
      const postings = this.#postings.get(term);
      if (postings === undefined) continue;
      const weight = Math.log(1 + (this.#lengths.length - postings.size + 0.5) / (postings.size + 0.5));
      for (const [at, frequency] of postings) {
        const norm = K1 * (1 - B + (B * this.#lengths[at]!) / this.#mean);
        scores.set(at, (scores.get(at) ?? 0) + (weight * frequency * (K1 + 1)) / (frequency + norm));
      }
    }
    return [...scores].sort(([a, x], [b, y]) => y - x || a - b).map(([at]) => at);
  }
}

function termsOf(text: string): string[] {
  const terms: string[] = [];
  for (const [run] of text
    .normalize('NFKC')
    .toLowerCase()
    .matchAll(/\p{Script=Han}+|[\p{L}\p{N}\p{M}]+/gu)) {
    if (!/\p{Script=Han}/u.test(run) || run.length === 1) terms.push(run);
    else for (let at = 0; at + 2 <= run.length; at++) terms.push(run.slice(at, at + 2));
  }
  return terms;
}
