import { readFileSync } from 'node:fs';
import { loadConfig, silentLogger } from '@sluice/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from './create-engine.ts';
import type { Engine } from './engine.ts';
import { refuseUnlessRight } from './preflight/line-proof.ts';
import { preflight } from './preflight.ts';
import { resolveEngine } from './resolve-engine.ts';

const { config } = loadConfig([{ name: 'test', values: {} }]);
const golden = JSON.parse(readFileSync(new URL('../data/static-xlmr/golden.json', import.meta.url), 'utf8')) as {
  texts: { text: string; ids: number[]; v256: string }[];
};

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine(config, { logger: silentLogger });
}, 60_000);
afterAll(() => engine.close());

const embed = (texts: string[], signal?: AbortSignal) =>
  engine.embed({ texts, tokens: texts.map(() => 10), role: 'passage', signal });

describe('static engine', () => {
  it('gives the golden vectors of its texts to 1e-6, tokenizer included', async () => {
    const { vectors, usageTokens } = await embed(golden.texts.map(({ text }) => text));
    let worst = 0;
    golden.texts.forEach(({ v256 }, row) => {
      const expected = Buffer.from(v256, 'base64');
      vectors[row]!.forEach((value, i) => {
        worst = Math.max(worst, Math.abs(value - expected.readFloatLE(4 * i)));
      });
    });
    expect(worst).toBeLessThan(1e-6);
    expect(usageTokens).toBe(golden.texts.reduce((sum, { ids }) => sum + ids.length, 0));
  });

  it('is proved right by its own golden vectors', async () => {
    const report = await preflight(engine, resolveEngine(config));
    expect(report.findings.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(report).toMatchObject({ verdict: 'right', proof: 'golden' });
    expect(() => refuseUnlessRight(report)).not.toThrow();
  });

  it('leaves the event loop free while it works', async () => {
    const text = golden.texts
      .map(({ text }) => text)
      .join(' ')
      .repeat(40);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await embed(new Array(20).fill(text));
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
  });

  it('gives a waiting caller its own reason when it gives up, and goes on for the others', async () => {
    const abort = new AbortController();
    const given = embed(['a'], abort.signal);
    const other = embed(['b']);
    abort.abort(new Error('stop'));
    await expect(given).rejects.toThrow('stop');
    expect((await other).vectors).toHaveLength(1);
  });

  it('fails every call after it is closed', async () => {
    const closed = await createEngine(config, { logger: silentLogger });
    await closed.close();
    await expect(closed.embed({ texts: ['a'], tokens: [1], role: 'passage' })).rejects.toMatchObject({
      code: 'engine_failed',
    });
  });
});
