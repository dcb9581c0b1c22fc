/**
 * The lines that a service serves: its own, made if it is not there, and every other one of the same Milvus that holds the
 * same space, opened when it is first asked for. A name that is no line costs one look every few seconds, not one a request.
 */
import { type Config, type Logger, type Releaser, SluiceError } from '@sluice/core';
import { type Line, observeLine, openExistingLine, openLine, type SpacePlan, watchLine } from '@sluice/line';
import { openSubmissionQueue, type SubmissionQueue } from '@sluice/queue';
import type { Telemetry } from '@sluice/telemetry';
import { createGate, type Gate } from './gate.ts';

/** A line with the queue of what is submitted to it, and the gate before it. */
export type ServedLine = Line & { readonly submissions: SubmissionQueue; readonly gate: Gate };

export interface ServedLines {
  /** Throws `unknown_line`, `space_drift`, and what connecting throws. */
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
  /** Called once for every line that is opened. */
  onOpened?(line: ServedLine): void;
  monotonicMs?: () => number;
}

const LINE_NAME = /^[a-z][a-z0-9-]{0,39}$/;
const UNKNOWN_FOR_MS = 5_000;

export async function serveLines({
  config,
  plan,
  logger,
  telemetry,
  releaser,
  onOpened = () => undefined,
  monotonicMs = () => performance.now(),
}: ServeLinesOptions): Promise<ServedLines> {
  const opening = new Map<string, Promise<ServedLine>>();
  const open = new Map<string, ServedLine>();
  const unknownUntil = new Map<string, number>();

  async function openOther(name: string): Promise<Line> {
    const line = await openExistingLine({ ...config, SLUICE_LINE: name }, { logger, releaser });
    line.store.requireSpace(line.info, plan.space);
    return observeLine(line, telemetry);
  }

  function remember(line: Line): ServedLine {
    for (const warning of line.warnings) logger.warn({ event: 'line warned', line: line.name }, warning);
    const submissions = openSubmissionQueue(line.redis, line.name);
    releaser.push(`the submission queue of ${line.name}`, () => submissions.close());
    const served = { ...line, submissions, gate: createGate(line.admission, submissions) };
    open.set(line.name, served);
    onOpened(served);
    return served;
  }

  // The gauges are those of the service's own line: one series each.
  remember(watchLine(await openLine(config, plan, { role: 'producer', logger, releaser }), telemetry, releaser));

  return {
    opened: () => [...open.values()],
    get(name) {
      const known = open.get(name) ?? opening.get(name);
      if (known !== undefined) return Promise.resolve(known);
      if (!LINE_NAME.test(name) || (unknownUntil.get(name) ?? 0) > monotonicMs()) return Promise.reject(unknown(name));
      const found = openOther(name)
        .then(remember)
        .catch((error: unknown) => {
          if (unknownUntil.size >= 1_000) unknownUntil.clear();
          unknownUntil.set(name, monotonicMs() + UNKNOWN_FOR_MS);
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
