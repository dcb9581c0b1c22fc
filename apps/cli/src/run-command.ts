/** Opens a command's context, runs it, and closes what it opened whatever happens. */
import { type Context, type Flags, type GlobalOptions, loadContext } from './context.ts';
import { onInterrupt } from './interrupt.ts';

export async function runCommand(
  service: string,
  options: GlobalOptions,
  body: (context: Context) => Promise<unknown>,
  flags: Flags = {},
): Promise<void> {
  const context = await loadContext(service, options, onInterrupt(), flags);
  // A read of standard input that waits for more must not outlive the command.
  const stopReading = () => process.stdin.destroy();
  context.signal.addEventListener('abort', stopReading, { once: true });
  try {
    const code = await body(context);
    if (typeof code === 'number') process.exitCode = code;
  } finally {
    stopReading();
    await context.releaser.release();
  }
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
