/** What a line keeps beside its fingerprint: which engine was seen to give vectors of its space, and by what. */
export interface SpaceProof {
  /** `unproven`: nothing was wrong, nothing proved it right, and a person accepted that. */
  verdict: 'right' | 'unproven';
  /** Golden vectors, the engine's own variants, or nothing. */
  proof: 'golden' | 'variants' | 'none';
  engine: { profile: string; where: string; model: string };
  /** When, ISO 8601. */
  at: string;
  /** What was measured, in words and figures. */
  findings: { name: string; status: 'ok' | 'warn' | 'fail'; measured: string }[];
  /** A known text and its passage vector of full dimension, base64 of little-endian float32: from the engine that came first. */
  canary?: { text: string; vector: string };
}
