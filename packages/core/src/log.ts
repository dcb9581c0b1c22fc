/**
 * Logs: pino, NDJSON on stderr for services, human-readable on a terminal. One line a batch; text of documents never
 * above debug. Errors are logged through `toJSON` of SluiceError, so a cause that quotes a request stays out.
 */
import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';
import { isSluiceError } from './errors.ts';

export type { Logger } from 'pino';

export function createLogger({
  service,
  level = 'info',
  terminal = process.stderr.isTTY === true,
}: {
  service: string;
  level?: string;
  terminal?: boolean;
}): Logger {
  const options = {
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: serializeError },
  };
  const destination = terminal
    ? pretty({ destination: 2, sync: true, ignore: 'pid,service', translateTime: 'SYS:HH:MM:ss' })
    : pino.destination({ dest: 2, sync: true });
  return pino(options, destination);
}

export const silentLogger: Logger = pino({ level: 'silent' });

function serializeError(error: unknown): unknown {
  if (isSluiceError(error)) return error.toJSON();
  if (error instanceof Error) return { type: error.name, message: error.message, stack: error.stack };
  return { message: String(error) };
}

/**
 * Logs the first of equal errors at once and the rest as one summary per `everyMs`, the last of them included, so that an outage
 * does not spin. Equal are errors of one code.
 */
export function createErrorCollapser(logger: Logger, { everyMs = 10_000 } = {}) {
  const windows = new Map<string, { count: number; last: unknown; message: string }>();

  /** While errors keep coming a window follows on the one before; after one without any, the next error is a first one again. */
  function open(key: string, window: { count: number; last: unknown; message: string }): void {
    windows.set(key, window);
    setTimeout(() => {
      const { count, last, message } = window;
      if (count === 0) {
        windows.delete(key);
        return;
      }
      logger.warn({ err: last, repeated: count, inMs: everyMs }, message);
      open(key, { count: 0, last, message });
    }, everyMs).unref();
  }

  return (error: unknown, message: string) => {
    const key = isSluiceError(error)
      ? error.code
      : `${(error as Error)?.name}:${(error as NodeJS.ErrnoException)?.code ?? (error as Error)?.message}`;
    const window = windows.get(key);
    if (window === undefined) {
      logger.warn({ err: error }, message);
      open(key, { count: 0, last: error, message });
      return;
    }
    window.count += 1;
    window.last = error;
    window.message = message;
  };
}
