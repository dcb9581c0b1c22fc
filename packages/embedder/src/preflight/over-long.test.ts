/** Engines that cut long texts and say nothing: how much they read is measured, to the token where it matters. */
import { SluiceError } from '@sluice/core';
import { describe, expect, it } from 'vitest';
import type { EmbedRequest, Engine } from '../engine.ts';
import { profiles } from '../profiles.ts';
import { checkOverLong } from './over-long.ts';
import { createReport } from './report.ts';

const count = (text: string) => text.split(' ').filter((word) => word !== '').length;
const SPECIAL = 2;

/** Reads `window` words of a text, the instruction and two specials among them; a word is a token. */
function engineThatReads(window: number, noise = 0): Engine & { asked: EmbedRequest[] } {
  const asked: EmbedRequest[] = [];
  const profile = profiles['sentence-transformers']!;
  return {
    profile,
    fullDimension: 32,
    where: 'here',
    asked,
    async embed(request) {
      asked.push(request);
      const vectors = request.texts.map((text) => {
        const vector = new Float32Array(32);
        const words = `${profile.passageInstruction}${text}`.split(' ').slice(0, window - SPECIAL);
        for (const word of words) vector[[...word].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 32]! += 1;
        vector[asked.length % 32]! += noise;
        return vector;
      });
      return { vectors };
    },
    close: async () => {},
  };
}

async function findingOf(engine: Engine, options: { maxTokens: number; known?: boolean }) {
  const report = createReport({ profile: 'x', where: 'here', model: 'x' });
  await checkOverLong(report, engine, {
    maxTokens: options.maxTokens,
    count: options.known === false ? undefined : count,
  });
  return report.finish().findings[0]!;
}

describe('an engine that is known to cut', () => {
  it.each([4_096, 4_097, 8_192])('is taken when it reads the largest text: window %i, 4,096 tokens', async (window) => {
    const engine = engineThatReads(window);
    expect(await findingOf(engine, { maxTokens: 4_096 })).toMatchObject({ status: 'warn' });
    // Never more than the line itself will send.
    expect(Math.max(...engine.asked.flatMap(({ tokens }) => tokens))).toBeLessThanOrEqual(4_096);
  });

  it.each([128, 512, 2_048, 4_080])('is refused when its window is %i, with a size that it reads', async (window) => {
    const finding = await findingOf(engineThatReads(window), { maxTokens: 4_096 });
    expect(finding).toMatchObject({ status: 'fail', code: 'silent_truncation' });
    const bound = Number(/SLUICE_MAX_TOKENS=(\d+)/.exec(finding.fix!)![1]);
    expect(bound).toBeLessThanOrEqual(window);
    expect(bound).toBeGreaterThan(window - 16);
    expect(await findingOf(engineThatReads(window), { maxTokens: bound })).toMatchObject({ status: 'warn' });
  });

  it('is refused though its vectors are never twice the same', async () => {
    expect(await findingOf(engineThatReads(512, 1e-3), { maxTokens: 4_096 })).toMatchObject({
      code: 'silent_truncation',
    });
  });

  it('is not judged without a tokenizer, and no long text is sent', async () => {
    const engine = engineThatReads(512);
    expect(await findingOf(engine, { maxTokens: 4_096, known: false })).toMatchObject({ status: 'warn' });
    expect(engine.asked).toEqual([]);
  });
});

/** As llama.cpp does: every text above its batch gets status 500, and nothing else tells why. */
function engineThatFailsAbove(most: number): Engine {
  return {
    profile: { ...profiles['llama.cpp']!, windowTokens: 8_192 },
    fullDimension: 2,
    where: 'here',
    async embed({ texts }: EmbedRequest) {
      if (texts.some((text) => count(text) > most)) {
        throw new SluiceError('engine_failed', { message: 'The engine failed', got: 'HTTP 500 server_error' });
      }
      return { vectors: texts.map(() => Float32Array.of(1, 0)) };
    },
    close: async () => {},
  };
}

describe('an engine that answers 500 to what is too long', () => {
  it('is taken when it answers a short text after it, and the longest that Sluice sends', async () => {
    for (const known of [true, false]) {
      expect(await findingOf(engineThatFailsAbove(8_192), { maxTokens: 4_096, known })).toMatchObject({
        status: 'ok',
        measured: expect.stringContaining('HTTP 500'),
      });
    }
  });

  it('is refused when that is too long for it already', async () => {
    expect(await findingOf(engineThatFailsAbove(512), { maxTokens: 4_096 })).toMatchObject({
      status: 'fail',
      code: 'engine_failed',
      fix: expect.stringContaining('SLUICE_MAX_TOKENS'),
    });
  });

  it('proves nothing when it broke down', async () => {
    await expect(findingOf(engineThatFailsAbove(0), { maxTokens: 4_096 })).rejects.toMatchObject({
      code: 'engine_failed',
    });
  });
});
