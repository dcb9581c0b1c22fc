/** What preflight says: findings in the order in which they were made, and the verdict that follows from them. */
import type { ErrorCode } from '@sluice/core';

export interface Finding {
  /** What was looked at, in a word or two. */
  name: string;
  status: 'ok' | 'warn' | 'fail';
  /** What was measured, in words and figures. */
  measured: string;
  /** With `fail`: the refusal. */
  code?: ErrorCode;
  fix?: string;
}

export interface PreflightReport {
  /** `unproven`: nothing is wrong, and nothing proves that it is right. */
  verdict: 'right' | 'wrong' | 'unproven';
  /** Why it is not right: the code of the first finding that failed, or `unproven_space`. */
  code?: ErrorCode;
  findings: Finding[];
  /** How the space was proved: by golden vectors, by comparing the engine's own variants, or not at all. */
  proof: 'golden' | 'variants' | 'none';
  engine: { profile: string; where: string; model: string };
  /** A known text and its passage vector (base64 of float32, as the engine gave it): to notice a swapped model later. */
  canary?: { text: string; vector: string };
}

/** Gathers findings; the verdict is `wrong` when one failed, else `right` when something proved the space. */
export function createReport(engine: PreflightReport['engine']) {
  const findings: Finding[] = [];
  let proof: PreflightReport['proof'] = 'none';
  let canary: PreflightReport['canary'];
  return {
    ok: (name: string, measured: string) => void findings.push({ name, status: 'ok', measured }),
    warn: (name: string, measured: string, fix?: string) =>
      void findings.push({ name, status: 'warn', measured, ...(fix !== undefined && { fix }) }),
    fail: (name: string, measured: string, code: ErrorCode, fix: string) =>
      void findings.push({ name, status: 'fail', measured, code, fix }),
    provedBy(how: 'golden' | 'variants') {
      proof = how;
    },
    setCanary(text: string, vector: Float32Array) {
      const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
      canary = { text, vector: bytes.toString('base64') };
    },
    get failed() {
      return findings.some(({ status }) => status === 'fail');
    },
    finish(): PreflightReport {
      const firstFailure = findings.find(({ status }) => status === 'fail');
      const common = { findings, proof, engine, ...(canary !== undefined && { canary }) };
      if (firstFailure !== undefined) return { verdict: 'wrong', code: firstFailure.code ?? 'wrong_space', ...common };
      if (proof === 'none') return { verdict: 'unproven', code: 'unproven_space', ...common };
      return { verdict: 'right', ...common };
    },
  };
}

export type Report = ReturnType<typeof createReport>;
