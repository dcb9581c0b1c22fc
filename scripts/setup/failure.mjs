/** A set-up step that cannot be done: what happened, and what to do about it. Printed as it is, without a stack. */
export class SetupFailure extends Error {
  /**
   * @param {string} message what happened, with what was found
   * @param {{ fix: string, exitCode?: number, code?: string }} details 4 means: a dependency is down, it is safe to run again
   */
  constructor(message, { fix, exitCode = 1, code = 'setup_failed' }) {
    super(message);
    this.name = 'SetupFailure';
    this.fix = fix;
    this.exitCode = exitCode;
    this.code = code;
  }
}

/**
 * Says a failure on standard error; with `json` also as the last line of standard output. Returns the exit code. Anything
 * but a SetupFailure is a defect of ours and is thrown on.
 * @param {unknown} error @param {{ json: boolean }} options
 */
export function reportFailure(error, { json }) {
  if (!(error instanceof SetupFailure)) throw error;
  process.stderr.write(`\n${error.message}\n→ ${error.fix}\n`);
  if (json) {
    const { code, message, fix, exitCode } = error;
    process.stdout.write(`${JSON.stringify({ type: 'error', code, message, fix, exitCode })}\n`);
  }
  return error.exitCode;
}
