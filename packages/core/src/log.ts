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

/** Logs the first of equal errors at once and the rest as one summary per `everyMs`, so that an outage does not spin. */
export function createErrorCollapser(logger: Logger, { everyMs = 10_000, now = () => performance.now() } = {}) {
  const seen = new Map<string, { since: number; count: number }>();
  return (error: unknown, message: string) => {
    const key = isSluiceError(error)
      ? error.code
      : `${(error as Error)?.name}:${(error as NodeJS.ErrnoException)?.code ?? (error as Error)?.message}`;
    const entry = seen.get(key);
    const time = now();
    if (entry === undefined) {
      seen.set(key, { since: time, count: 0 });
      logger.warn({ err: error }, message);
      return;
    }
    entry.count += 1;
    if (time - entry.since >= everyMs) {
      logger.warn({ err: error, repeated: entry.count, inMs: Math.round(time - entry.since) }, message);
      seen.set(key, { since: time, count: 0 });
    }
  };
}
