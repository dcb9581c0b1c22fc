/**
 * How long a request may take: `baseMs + perTokenMs × padded tokens`, as the profile or SLUICE_ENGINE_MS_PER_TOKEN says, with the second part
 * stretched for an engine that is slower than that. Otherwise the same batch would be sent, and given up, for ever: on a CPU 16,384 tokens
 * take 400 s where the profile gives them 194.
 *
 * A request that was not answered in time doubles the stretch, once for all that were under way together; answers then say what it takes.
 * The base is never stretched: a short text, such as the breaker's probe, still shows within seconds that an engine hangs.
 */

export interface Patience {
  begin(paddedTokens: number): {
    deadlineMs: number;
    answered(elapsedMs: number): void;
    ranOut(): void;
  };
}

/** Above it an engine is not slow but away. */
const MOST = 8;
/** A deadline is this many times what an answer took. */
const MARGIN = 2;
/** Answers to requests below this share of the one that ran out say nothing about it. */
const COMPARABLE = 1 / 2;

export function createPatience({ baseMs, perTokenMs }: { baseMs: number; perTokenMs: number }): Patience {
  let stretch = 1;
  let changes = 0;
  /** Padded tokens of the request that ran out last. */
  let ranOutTokens = 0;

  return {
    begin(paddedTokens) {
      const begunAfter = changes;
      const plainMs = perTokenMs * paddedTokens;
      return {
        deadlineMs: baseMs + stretch * plainMs,
        answered(elapsedMs) {
          if (plainMs === 0) return;
          const wanted = Math.min(MOST, Math.max(1, (MARGIN * elapsedMs - baseMs) / plainMs));
          if (wanted > stretch || paddedTokens >= COMPARABLE * ranOutTokens) stretch = wanted;
        },
        ranOut() {
          if (changes !== begunAfter) return;
          changes += 1;
          ranOutTokens = paddedTokens;
          stretch = Math.min(MOST, 2 * stretch);
        },
      };
    },
  };
}
