/**
 * Preflight of an engine that is at work: the model may be swapped under a running worker, or the same one started anew with other flags,
 * which a vector of one short text cannot show (over-long texts cut from now on, another adapter for queries).
 */
import { errorCodes, SluiceError, type SpaceProof } from '@sluice/core';
import type { Engine } from '../engine.ts';
import { type PreflightOptions, preflight } from '../preflight.ts';
import type { ResolvedEngine } from '../resolve-engine.ts';
import { proofForLine } from './line-proof.ts';

/**
 * `proof`: what was proved at the start. Throws `model_swapped` and the refusals of preflight, which stop a line; and an engine that merely
 * fails, with the verdict of its failure: it was right a few minutes ago.
 */
export async function proveAgain(
  engine: Engine,
  resolved: ResolvedEngine,
  { proof, ...options }: PreflightOptions & { proof: SpaceProof },
): Promise<void> {
  const report = await preflight(engine, resolved, options);
  if (report.verdict === 'wrong' && report.code !== undefined && errorCodes[report.code].verdict !== 'stop') {
    throw new SluiceError(report.code, {
      message: 'The engine, which was right at the start, failed at a known text',
      where: engine.where,
      got: report.findings.find(({ status }) => status === 'fail')?.measured,
    });
  }
  // What was accepted without proof at the start is accepted still.
  proofForLine(report, proof, { acceptUnproven: false, at: proof.at });
}
