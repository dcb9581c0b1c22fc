/**
 * An engine's report against what the line remembers of the engine that came first. The fingerprint says which space a line holds; whether
 * its rows really are of it, only the vectors say: an engine that gives another vector for the canary would fill the line with another
 * space under the same name.
 */
import { SluiceError, type SpaceProof } from '@sluice/core';
import { cosine } from '../matryoshka.ts';
import type { PreflightReport } from './report.ts';

/** bf16 against fp32 is at 0.9999; a missing instruction, the nearest mistake, at 0.98 on a text as short as the canary. */
export const SAME_CANARY = 0.999;

/**
 * What the line is to remember from now on. Throws `model_swapped` when the engine gives another vector than the one that came first,
 * and what `refuseUnlessRight` throws. An engine that nothing proves is right where it gives the vector of one that was proved, and is
 * let in where an unproven one was accepted for this line before.
 */
export function proofForLine(
  report: PreflightReport,
  known: SpaceProof | undefined,
  { acceptUnproven, at }: { acceptUnproven: boolean; at: string },
): SpaceProof {
  if (report.verdict !== 'wrong') requireSameCanary(report, known);
  const sameAsRight = known?.verdict === 'right' && known.canary !== undefined && report.canary !== undefined;
  const accepted = sameAsRight || acceptUnproven || known?.verdict === 'unproven';
  refuseUnlessRight(report, { acceptUnproven: accepted });
  if (report.verdict === 'unproven' && known?.verdict === 'right') return known;
  const canary = known?.canary ?? report.canary;
  return {
    verdict: report.verdict === 'right' ? 'right' : 'unproven',
    proof: report.proof,
    engine: report.engine,
    at,
    findings: report.findings.map(({ name, status, measured }) => ({ name, status, measured })),
    ...(canary !== undefined && { canary }),
  };
}

/** Whether there is anything new to write: not every start of a worker is worth a change to the collection. */
export function sameProof(known: SpaceProof | undefined, proof: SpaceProof): boolean {
  if (known === undefined) return false;
  const facts = ({ verdict, proof: by, engine: { profile, where, model } }: SpaceProof) =>
    JSON.stringify([verdict, by, profile, where, model]);
  return facts(known) === facts(proof);
}

function requireSameCanary({ canary, engine }: PreflightReport, known: SpaceProof | undefined): void {
  if (canary === undefined || known?.canary === undefined || known.canary.text !== canary.text) return;
  const value = canaryCosine(canary.vector, known.canary.vector);
  if (value >= SAME_CANARY) return;
  throw new SluiceError('model_swapped', {
    message: `The engine gives another vector for a known text than ${known.engine.profile} did, which filled this line since ${known.at.slice(0, 10)}`,
    where: engine.where,
    expected: `cosine ${SAME_CANARY} or more`,
    got: value.toFixed(4),
    fix: 'Serve the model, revision and adapter that filled the line, or begin a new line with --line NAME.',
  });
}

/** Of two vectors in base64; 0 where their lengths differ. */
export function canaryCosine(a: string, b: string): number {
  const [one, other] = [floats(a), floats(b)];
  return one.length === other.length ? cosine(one, other) : 0;
}

function floats(base64: string): Float32Array {
  const bytes = Buffer.from(base64, 'base64');
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}

/**
 * Throws the refusal that a report means, or nothing: wrong engines are always refused, unproven ones unless accepted
 * (SLUICE_ACCEPT_UNPROVEN).
 */
export function refuseUnlessRight(
  report: PreflightReport,
  { acceptUnproven = false }: { acceptUnproven?: boolean } = {},
): void {
  if (report.verdict === 'right' || (report.verdict === 'unproven' && acceptUnproven)) return;
  const finding = report.findings.find(({ status }) => status === 'fail');
  const { profile, where } = report.engine;
  throw new SluiceError(report.code ?? 'wrong_space', {
    message: `The engine ${profile} is refused: ${finding === undefined ? 'nothing proves that its vectors are right' : `${finding.name}: ${finding.measured}`}`,
    where,
    fix: finding?.fix,
    verdict: 'stop',
  });
}
