/**
 * What a worker process last said that needs a person: of its log the last warning or worse, and the error it ended with, which the
 * command prints for people.
 */
import { stripVTControlCharacters } from 'node:util';

export interface WorkerWords {
  what: string;
  fix?: string;
}

interface LogLine {
  level?: string;
  msg?: string;
  err?: { code?: string; message?: string; fix?: string };
}

const NEEDS_A_PERSON = new Set(['warn', 'error', 'fatal']);

/** Takes the lines of a worker's standard error one by one; returns what to show when a line says something new. */
export function createWorkerWords() {
  let last: WorkerWords | undefined;

  function say(words: WorkerWords): WorkerWords | undefined {
    if (words.what === last?.what && words.fix === last.fix) return undefined;
    last = words;
    return words;
  }

  return {
    get last() {
      return last;
    },
    take(line: string): WorkerWords | undefined {
      const text = stripVTControlCharacters(line);
      if (text.startsWith('{')) {
        const logged = parse(text);
        if (!NEEDS_A_PERSON.has(logged?.level ?? '')) return undefined;
        const { err, msg = '' } = logged!;
        const what = err?.message === undefined ? msg : `${err.code ?? msg}: ${err.message}`;
        return say({ what, ...(err?.fix !== undefined && { fix: err.fix }) });
      }
      const [, code, what] = /^([a-z_]+) {2}(.+)$/.exec(text) ?? [];
      if (code !== undefined) {
        last = { what: `${code}: ${what}` };
        return undefined;
      }
      const [, fix] = /^ {2}fix +(.+)$/.exec(text) ?? [];
      return fix === undefined || last === undefined ? undefined : say({ what: last.what, fix });
    },
  };
}

function parse(line: string): LogLine | undefined {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return undefined;
  }
}
