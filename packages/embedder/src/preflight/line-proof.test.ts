import type { SpaceProof } from '@sluice/core';
import { describe, expect, it } from 'vitest';
import { proofForLine, sameProof } from './line-proof.ts';
import type { PreflightReport } from './report.ts';

const AT = '2026-11-24T00:00:00.000Z';
const vector = (...values: number[]) => Buffer.from(Float32Array.from(values).buffer).toString('base64');
const report = (verdict: PreflightReport['verdict'], canary: string, profile = 'jina'): PreflightReport => ({
  verdict,
  ...(verdict !== 'right' && { code: verdict === 'wrong' ? ('task_ignored' as const) : ('unproven_space' as const) }),
  findings: [{ name: 'determinism', status: 'ok', measured: 'cosine 1' }],
  proof: verdict === 'right' ? 'golden' : 'none',
  engine: { profile, where: 'http://engine', model: 'm' },
  canary: { text: 'known', vector: canary },
});
const judge = (now: PreflightReport, known?: SpaceProof, acceptUnproven = false) =>
  proofForLine(now, known, { acceptUnproven, at: AT });
const [HERE, NEAR, ELSEWHERE] = [vector(1, 0), vector(1, 0.01), vector(0, 1)];

describe('proofForLine', () => {
  it('remembers what was measured of the first engine', () => {
    const proof = judge(report('right', HERE));
    expect(proof).toMatchObject({ verdict: 'right', proof: 'golden', at: AT, canary: { vector: HERE } });
    expect(proof.findings).toEqual([{ name: 'determinism', status: 'ok', measured: 'cosine 1' }]);
  });

  it('lets another engine take over that gives the same vectors, and goes on comparing with the first', () => {
    const proof = judge(report('right', NEAR, 'vllm'), judge(report('right', HERE)));
    expect(proof).toMatchObject({ engine: { profile: 'vllm' }, canary: { vector: HERE } });
  });

  it.each(['right', 'unproven'] as const)(
    'refuses an engine called %s that gives another vector than the first',
    (verdict) => {
      expect(() => judge(report(verdict, ELSEWHERE), judge(report('right', HERE)), true)).toThrow(
        expect.objectContaining({ code: 'model_swapped', verdict: 'stop' }),
      );
    },
  );

  it('refuses an unproven engine, unless a person accepts it; then the line remembers', () => {
    expect(() => judge(report('unproven', HERE))).toThrow(expect.objectContaining({ code: 'unproven_space' }));
    const accepted = judge(report('unproven', HERE), undefined, true);
    expect(accepted.verdict).toBe('unproven');
    expect(judge(report('unproven', HERE), accepted).verdict).toBe('unproven');
    expect(judge(report('right', HERE), accepted).verdict).toBe('right');
  });

  it('takes an unproven engine for right when it gives the vector of one that was proved', () => {
    const known = judge(report('right', HERE));
    expect(judge(report('unproven', NEAR, 'openai'), known)).toBe(known);
  });

  it('never accepts a wrong one', () => {
    expect(() => judge(report('wrong', HERE), judge(report('right', HERE)), true)).toThrow(/refused/);
  });
});

describe('sameProof', () => {
  it('is about engine and verdict, not about the day', () => {
    const proof = judge(report('right', HERE));
    expect(sameProof(proof, { ...proof, at: '2027-01-01T00:00:00.000Z' })).toBe(true);
    expect(sameProof(proof, judge(report('right', HERE, 'vllm'), proof))).toBe(false);
    expect(sameProof(undefined, proof)).toBe(false);
  });
});
