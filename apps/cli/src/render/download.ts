/**
 * A download, for people: on a terminal one line that is redrawn, elsewhere a line when a file begins and one every 30
 * seconds. On standard error.
 */
import type { DownloadProgress } from '@sluice/embedder';
import { createLogUpdate } from 'log-update';
import { cyan, dim } from './style.ts';
import { bytes, printable } from './words.ts';

const REDRAW_MS = 100;
const LINE_MS = 30_000;
const BAR = 30;

export interface DownloadDisplay {
  show(this: void, progress: DownloadProgress): void;
  done(): void;
}

export function createDownloadDisplay(
  stream: NodeJS.WriteStream = process.stderr,
  now: () => number = () => performance.now(),
): DownloadDisplay {
  const terminal = stream.isTTY === true;
  const update = createLogUpdate(stream);
  let file: string | undefined;
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    show(progress) {
      const begins = progress.file !== file;
      if (!begins && now() - shownAt < (terminal ? REDRAW_MS : LINE_MS)) return;
      file = progress.file;
      shownAt = now();
      if (terminal) update(draw(progress));
      else stream.write(`downloading ${words(progress)}\n`);
    },
    done() {
      if (terminal) update.clear();
    },
  };
}

function draw(progress: DownloadProgress): string {
  const filled = Math.round((progress.totalBytes === 0 ? 1 : progress.bytes / progress.totalBytes) * BAR);
  return `${cyan('━'.repeat(filled))}${dim('━'.repeat(BAR - filled))} ${words(progress)}`;
}

function words({ file, bytes: got, totalBytes }: DownloadProgress): string {
  return `${printable(file)}: ${bytes(got)} of ${bytes(totalBytes)}`;
}
