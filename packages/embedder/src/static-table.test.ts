import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readStaticTable } from './static-table.ts';

const data = (name: string) => readFileSync(new URL(`../data/static-xlmr/${name}`, import.meta.url));
const table = readStaticTable(data('static-xlmr.bin.br'));
const golden = JSON.parse(data('golden.json').toString('utf8')) as {
  texts: { text: string; ids: number[]; v256: string }[];
};

describe('static table', () => {
  it('gives the golden vectors to 1e-6', () => {
    let worst = 0;
    for (const { ids, v256 } of golden.texts) {
      const expected = Buffer.from(v256, 'base64');
      const vector = new Float32Array(table.dimension);
      table.embed(ids, vector);
      vector.forEach((value, i) => {
        worst = Math.max(worst, Math.abs(value - expected.readFloatLE(4 * i)));
      });
    }
    expect(golden.texts).toHaveLength(20);
    expect(worst).toBeLessThan(1e-6);
  });

  it('gives a direction to a text without any usable piece', () => {
    const vector = new Float32Array(table.dimension);
    table.embed([0, 3, 2, 999_999], vector);
    expect(vector[0]).toBe(1);
    expect(Math.hypot(...vector)).toBe(1);
  });

  it('refuses another file', () => {
    expect(() => readStaticTable(new Uint8Array([1, 2, 3]))).toThrow();
  });
});
