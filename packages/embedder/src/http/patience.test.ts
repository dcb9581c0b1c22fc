/** Deadlines that follow an engine which is slower than its profile says. */
import { describe, expect, it } from 'vitest';
import { createPatience, type Patience } from './patience.ts';

/** What every profile over HTTP gives: 30 s and 10 ms a token. */
const open = () => createPatience({ baseMs: 30_000, perTokenMs: 10 });

/** Sends until it is answered; how many times it was given up before. */
function givenUp(patience: Patience, tokens: number, needsMs: number): number {
  for (let times = 0; times < 10; times++) {
    const request = patience.begin(tokens);
    if (needsMs <= request.deadlineMs) {
      request.answered(needsMs);
      return times;
    }
    request.ranOut();
  }
  return Number.POSITIVE_INFINITY;
}

describe('patience', () => {
  it('reaches an engine on a CPU, 25 ms a token, and then stays with it', () => {
    const patience = open();
    expect(patience.begin(16_384).deadlineMs).toBe(193_840);
    expect(givenUp(patience, 16_384, 400_000)).toBe(2);
    for (const tokens of [16_384, 4_096, 8_192, 16_384]) expect(givenUp(patience, tokens, 25 * tokens)).toBe(0);
  });

  it('learns from an answer that was nearly too late', () => {
    const patience = open();
    patience.begin(16_384).answered(190_000);
    expect(givenUp(patience, 16_384, 300_000)).toBe(0);
  });

  it('is lost once for all that were under way together, and never without end', () => {
    const patience = open();
    const together = [1, 2, 3, 4].map(() => patience.begin(1_000));
    for (const request of together) request.ranOut();
    expect(patience.begin(1_000).deadlineMs).toBe(50_000);
    for (let times = 0; times < 20; times++) patience.begin(1_000).ranOut();
    expect(patience.begin(1_000).deadlineMs).toBe(30_000 + 8 * 10_000);
  });

  it('is not stretched for a short text, nor lost by its answer', () => {
    const patience = open();
    patience.begin(16_384).ranOut();
    expect(patience.begin(64).deadlineMs).toBeLessThan(32_000);
    patience.begin(64).answered(50);
    expect(patience.begin(16_384).deadlineMs).toBe(30_000 + 2 * 163_840);
  });

  it('is the usual again when the engine is as fast as it should be', () => {
    const patience = open();
    patience.begin(16_384).ranOut();
    patience.begin(16_384).answered(20_000);
    expect(patience.begin(16_384).deadlineMs).toBe(193_840);
  });
});
