/** The `sluice` command: arguments in, progress and tables out. Every command sets the exit code and closes what it opened. */
import { CommanderError } from 'commander';
import { errorEvent } from './error-event.ts';
import { exitCodeOf, exitCodes } from './exit-code.ts';
import { Interrupted } from './interrupt.ts';
import { createProgram } from './program.ts';
import { renderError } from './render/error.ts';
import { printJson } from './run-command.ts';

try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed its own message; 0 for --help and --version.
    process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  } else if (error instanceof Interrupted) {
    process.exitCode = error.exitCode;
  } else {
    process.stderr.write(`${renderError(error)}\n`);
    process.exitCode = exitCodeOf(error);
    // The last line tells a program how it ended, whatever happened.
    if (process.argv.includes('--json')) printJson({ ...errorEvent(error), exitCode: process.exitCode });
  }
}
