/** Opens a command's context, runs it, and closes what it opened whatever happens. */
import { type Context, type Flags, type GlobalOptions, loadContext } from './context.ts';
import { onInterrupt } from './interrupt.ts';

/** What a first Ctrl-C may take; what is not handed back by then is taken over as from a killed process. */
const STOP_MS = 10_000;
/** Then the process ends by itself, or is ended. */
const LAST_MS = 500;

export async function runCommand(
  service: string,
  options: GlobalOptions,
  body: (context: Context) => Promise<unknown>,
  flags: Flags = {},
): Promise<void> {
  const context = await loadContext(service, options, onInterrupt({ withinMs: STOP_MS }), flags);
  // A read of standard input that waits for more must not outlive the command.
  const stopReading = () => process.stdin.destroy();
  context.signal.addEventListener('abort', stopReading, { once: true });
  try {
    const code = await body(context);
    if (typeof code === 'number') process.exitCode = code;
  } finally {
    stopReading();
    if (context.signal.aborted) await leave(context);
    else await context.releaser.release();
  }
}

/** After an interrupt nothing keeps the process: what cannot be closed is left, and so is a connection that hears no answer. */
async function leave({ releaser, logger }: Context): Promise<void> {
  await releaser.release().catch((error: unknown) => logger.debug({ err: error }, 'not everything could be closed'));
  setTimeout(() => process.exit(), LAST_MS).unref();
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
