/**
 * A run's events, for people: on a terminal a display that is redrawn in place, elsewhere one line every 30 seconds.
 * Everything goes to standard error; standard output is for results.
 */
import type { IngestEvent } from '@sluice/producer';
import { createLogUpdate } from 'log-update';
import { renderError } from './error.ts';
import { bold, cyan, dim, red, yellow } from './style.ts';
import { approx, count, duration, printable } from './words.ts';

type Progress = Extract<IngestEvent, { type: 'progress' }>;

export interface ProgressDisplay {
  show(event: IngestEvent): void;
  done(): void;
}

const LISTED_FAULTS = 20;

export function createProgressDisplay(
  stream: NodeJS.WriteStream = process.stderr,
  now: () => number = () => performance.now(),
): ProgressDisplay {
  const terminal = stream.isTTY === true;
  const update = createLogUpdate(stream);
  let last: Progress | undefined;
  let lineAt = now();
  let listed = 0;

  const redraw = () => {
    if (terminal && last !== undefined) update(draw(last, stream.columns ?? 80));
  };
  const say = (text: string) => {
    if (terminal) update.clear();
    stream.write(`${text}\n`);
    redraw();
  };

  return {
    show(event) {
      switch (event.type) {
        case 'progress':
          if (!terminal && event.waitingFor !== undefined && event.waitingFor !== last?.waitingFor)
            stream.write(`waiting  ${event.waitingFor}\n`);
          last = event;
          if (terminal) redraw();
          else if (now() - lineAt >= 30_000) {
            lineAt = now();
            stream.write(`${oneLine(event)}\n`);
          }
          break;
        case 'warning':
          say(`${yellow('warning')}  ${event.message}`);
          break;
        case 'note':
          say(dim(event.message));
          break;
        case 'refused':
          say(renderError(event.error));
          break;
        case 'pruned':
          say(`${yellow('pruned')}   ${printable(event.id)}`);
          break;
        case 'rejected':
        case 'skipped':
          if (listed++ < LISTED_FAULTS)
            say(
              `${event.type === 'rejected' ? red('rejected') : dim('skipped ')} ${printable(event.where)}  ${event.code}: ${printable(event.message)}`,
            );
          else if (listed === LISTED_FAULTS + 1)
            say(dim('  … more are counted below and kept: `npx sluice runs show RUN --rejected`'));
          break;
        default:
          break;
      }
    },
    done() {
      if (terminal) update.clear();
      last = undefined;
    },
  };
}

function draw(progress: Progress, columns: number): string {
  const { documents, chunks, tokens } = progress;
  const finished = documents.stored + documents.superseded + documents.partial;
  const share = tokens.accepted === 0 ? 0 : Math.min(1, tokens.stored / tokens.accepted);
  const width = Math.max(10, Math.min(40, columns - 30));
  const filled = Math.round(share * width);
  const bar = `${cyan('━'.repeat(filled))}${dim('━'.repeat(width - filled))}`;
  const reading = progress.reading ? dim('  reading on') : '';
  const waiting = progress.waitingFor === undefined ? '' : `\n${yellow('waiting')}   ${progress.waitingFor}`;
  return (
    [
      `${bar} ${bold(`${Math.floor(share * 100)} %`)}${reading}`,
      `documents ${count(finished)} of ${count(documents.accepted)} stored, ${count(documents.unchanged)} unchanged${documents.rejected > 0 ? `, ${red(`${count(documents.rejected)} rejected`)}` : ''}`,
      `chunks    ${count(chunks.stored)} of ${count(chunks.accepted)}${chunks.reused > 0 ? `, ${count(chunks.reused)} reused` : ''}${chunks.dead > 0 ? `, ${red(`${count(chunks.dead)} dead`)}` : ''}`,
      `tokens    ${approx(tokens.stored)} of ${approx(tokens.accepted)} · ${approx(progress.tokensPerSecond)}/s · ${eta(progress)}`,
    ].join('\n') + waiting
  );
}

function oneLine(progress: Progress): string {
  const { documents, tokens } = progress;
  return `stored ${count(documents.stored)} of ${count(documents.accepted)} documents, ${approx(tokens.stored)} of ${approx(tokens.accepted)} tokens, ${approx(progress.tokensPerSecond)}/s, ${eta(progress)}`;
}

function eta({ etaSeconds, reading, seconds }: Progress): string {
  if (etaSeconds === undefined) return `${duration(seconds)} so far`;
  return `${reading ? 'at least ' : ''}${duration(etaSeconds)} to go`;
}
