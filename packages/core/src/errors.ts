/**
 * The one error class. A refusal says what, where, expected, got and the fix; its verdict is decided where the fact is
 * known, by status and code, never by matching message text. Text of documents never appears in an error.
 */
import { type ErrorCode, errorCodes, type Verdict } from './error-codes.ts';

const marker = Symbol.for('sluice.error');

export interface SluiceErrorDetails {
  /** What happened, one sentence, no document text. */
  message: string;
  /** Where: a file, a line of it, an address, a setting, a collection. */
  where?: string | undefined;
  expected?: string | undefined;
  got?: string | undefined;
  /** Overrides the remedy of the code's row with something more exact: a command, a setting. */
  fix?: string | undefined;
  /** Overrides the verdict of the code's row, where the thrower knows better. */
  verdict?: Verdict | undefined;
  /** How long the other side asked us to wait, in milliseconds (`Retry-After`). */
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

export class SluiceError extends Error {
  readonly [marker] = true;
  readonly code: ErrorCode;
  readonly verdict: Verdict;
  readonly what: string;
  readonly where: string | undefined;
  readonly expected: string | undefined;
  readonly got: string | undefined;
  readonly fix: string;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, details: SluiceErrorDetails) {
    const row = errorCodes[code];
    const fix = details.fix ?? row.fix;
    super(sentence(details, fix), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'SluiceError';
    this.code = code;
    this.verdict = details.verdict ?? row.verdict;
    this.what = details.message;
    this.where = details.where;
    this.expected = details.expected;
    this.got = details.got;
    this.fix = fix;
    this.retryAfterMs = details.retryAfterMs;
  }

  /** For `--json` and NDJSON logs: the parts, never the cause's own text (it may quote a request). */
  toJSON(): Record<string, unknown> {
    return {
      code: this.code,
      verdict: this.verdict,
      message: this.what,
      ...(this.where !== undefined && { where: this.where }),
      ...(this.expected !== undefined && { expected: this.expected }),
      ...(this.got !== undefined && { got: this.got }),
      fix: this.fix,
    };
  }
}

/** True for a SluiceError of any copy of this package (marker, not `instanceof`). */
export function isSluiceError(error: unknown): error is SluiceError {
  return typeof error === 'object' && error !== null && marker in error;
}

/** What an error means for the work: its own verdict, or `unknown` when it is not ours. */
export function verdictOf(error: unknown): Verdict {
  return isSluiceError(error) ? error.verdict : 'unknown';
}

function sentence({ message, where, expected, got }: SluiceErrorDetails, fix: string): string {
  const parts = [where === undefined ? message : `${message} (${where})`];
  if (expected !== undefined) parts.push(`expected ${expected}`);
  if (got !== undefined) parts.push(`got ${got}`);
  return `${parts.join('; ')}. ${fix}`;
}
