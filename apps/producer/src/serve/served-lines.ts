/**
 * The lines that a service serves: its own, made if it is not there, and every other one of the same Milvus that holds the
 * same space, opened when it is first asked for. A name that is no line costs one look every few seconds, not one a request; an
 * outage is no answer, and is looked at again by the next request.
 *
 * Each other line has a releaser of its own: a look that fails leaves no connection behind, and a line that stops (dropped, or its
 * ledger lost) is closed and forgotten, and opened anew when it is asked for again. Only the service's own line stops the service.
 */
import {
  type Config,
  createErrorCollapser,
  createReleaser,
  type Logger,
  type Releaser,
  SluiceError,
  verdictOf,
} from '@sluice/core';
import { type Line, observeLine, openExistingLine, openLine, type SpacePlan, watchLine } from '@sluice/line';
import { openSubmissionQueue, type SubmissionQueue } from '@sluice/queue';
import type { Telemetry } from '@sluice/telemetry';
import { createGate, type Gate } from './gate.ts';

/** A line with the queue of what is submitted to it, and the gate before it. */
export type ServedLine = Line & { readonly submissions: SubmissionQueue; readonly gate: Gate };

export interface ServedLines {
  /** Throws `unknown_line`, `space_drift`, `ledger_lost`, and what connecting throws. */
  get(name: string): Promise<ServedLine>;
  /** Those that are open now. */
  opened(): ServedLine[];
}

export interface ServeLinesOptions {
  config: Config;
  plan: SpacePlan & { cutId?: string };
  logger: Logger;
  telemetry: Telemetry;
  releaser: Releaser;
  /** Called whenever a line is opened, with where to push what it needs. May answer a promise that rejects with what stopped it. */
  onOpened?(line: ServedLine, releaser: Releaser): Promise<void> | undefined;
  /** The service's own line stopped. */
  onStopped?(error: unknown): void;
  monotonicMs?: () => number;
}

const LINE_NAME = /^[a-z][a-z0-9-]{0,39}$/;
const REFUSED_FOR_MS = 5_000;
const MOST_REFUSALS = 1_000;

export async function serveLines({
  config,
  plan,
  logger,
  telemetry,
  releaser,
  onOpened = () => undefined,
  onStopped = () => undefined,
  monotonicMs = () => performance.now(),
}: ServeLinesOptions): Promise<ServedLines> {
  const opening = new Map<string, Promise<ServedLine>>();
  const open = new Map<string, ServedLine>();
  const others = new Map<string, Releaser>();
  const refusals = new Map<string, { error: unknown; until: number }>();
  const collapse = createErrorCollapser(logger);
  releaser.push('the other lines', () => Promise.all([...others.values()].map((other) => other.release())));

  async function openOther(name: string): Promise<ServedLine> {
    const own = createReleaser();
    others.set(name, own);
    try {
      const line = await openExistingLine({ ...config, SLUICE_LINE: name }, { logger, releaser: own });
      line.store.requireSpace(line.info, plan.space);
      await line.holdLedger();
      const stopped = (error: unknown) => void forget(name, own, error);
      const proveLedger = () =>
        line.proveLedger().catch((error: unknown) => {
          if (verdictOf(error) === 'stop') stopped(error);
          throw error;
        });
      return remember({ ...observeLine(line, telemetry), proveLedger }, own, stopped);
    } catch (error) {
      others.delete(name);
      await own.release().catch((failure: unknown) => collapse(failure, 'a line that could not be opened'));
      throw error;
    }
  }

  function remember(line: Line, own: Releaser, stopped: (error: unknown) => void): ServedLine {
    for (const warning of line.warnings) logger.warn({ event: 'line warned', line: line.name }, warning);
    const submissions = openSubmissionQueue(line.redis, line.name);
    own.push(`the submission queue of ${line.name}`, () => submissions.close());
    const served = { ...line, submissions, gate: createGate(line.admission, submissions) };
    open.set(line.name, served);
    onOpened(served, own)?.catch(stopped);
    return served;
  }

  async function forget(name: string, own: Releaser, error: unknown): Promise<void> {
    if (others.get(name) !== own) return;
    others.delete(name);
    open.delete(name);
    logger.warn({ event: 'line forgotten', line: name, err: error }, 'a line stopped; the service goes on without it');
    await own.release().catch((failure: unknown) => collapse(failure, 'a line that stopped'));
  }

  // The gauges are those of the service's own line: one series each.
  const first = await openLine(config, plan, { role: 'producer', logger, releaser });
  remember(watchLine(first, telemetry, releaser), releaser, onStopped);

  return {
    opened: () => [...open.values()],
    get(name) {
      const known = open.get(name) ?? opening.get(name);
      if (known !== undefined) return Promise.resolve(known);
      if (!LINE_NAME.test(name)) return Promise.reject(unknown(name));
      const refused = refusals.get(name);
      if (refused !== undefined && refused.until > monotonicMs()) return Promise.reject(refused.error);
      const found = openOther(name)
        .catch((error: unknown) => {
          if (refusals.size >= MOST_REFUSALS) refusals.clear();
          if (verdictOf(error) === 'stop') refusals.set(name, { error, until: monotonicMs() + REFUSED_FOR_MS });
          throw error;
        })
        .finally(() => opening.delete(name));
      opening.set(name, found);
      return found;
    },
  };
}

function unknown(name: string): SluiceError {
  return new SluiceError('unknown_line', { message: `There is no line "${name.slice(0, 60)}"` });
}
