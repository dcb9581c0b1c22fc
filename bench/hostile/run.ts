/**
 * Time and memory of cutting input made to hurt. Factor: CPU time a byte over that of ordinary prose (the example corpus's Markdown and text)
 * in the same process, neither with a known word. Memory: beyond the text and the tokenizer, at the peak of a fresh process.
 *
 *     node bench/hostile/run.ts [--json] [--short]
 *
 * `--short` takes a tenth of each text, and of the texts each tenth.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from '@sluice/cli/node-flags';
import { bench } from '../report/bench.ts';
import type { Figure } from '../report/report.ts';
import { cases, type HostileCase } from './cases.ts';

const one = fileURLToPath(new URL('one.ts', import.meta.url));
/** Times the time per byte of prose. */
const MOST_TIMES = 3;
/** Memory grows with the text, by no more than this: what cutting anything takes, and MB a MB of text. */
const BASE_MEGABYTES = 64;
const MEGABYTES_A_MEGABYTE = 8;
const SHORT_EVERY = 10;

await bench({
  name: 'hostile',
  question: 'what input made to hurt costs the chunker',
  async measure({ short, say }) {
    const rounds = short ? 1 : 3;
    const folder = mkdtempSync(join(tmpdir(), 'sluice-hostile-'));
    const factors: Figure[] = [];
    const memories: Figure[] = [];
    const remarks: string[] = [];
    try {
      for (const [
        name,
        { format, make, times = MOST_TIMES, memory = MEGABYTES_A_MEGABYTE },
      ] of Object.entries<HostileCase>(cases).filter((_, at) => !short || at % SHORT_EVERY === 0)) {
        say(name);
        const file = join(folder, 'text');
        const text = make();
        writeFileSync(file, short ? text.slice(0, Math.ceil(text.length / 10)) : text);
        const all = Array.from({ length: rounds }, () => ({
          ...ask<Time>('time', file, format),
          ...ask<Memory>('memory', file, format),
        }));
        const { megabytes, chunks, most } = all[0]!;
        const runs = all.map(({ seconds, prose }) => seconds / prose);
        factors.push({ name, unit: 'times prose, a byte', runs, limit: { atMost: times } });
        memories.push({
          name: `${name}, memory`,
          unit: 'MB',
          runs: all.map(({ extra }) => extra),
          limit: { atMost: BASE_MEGABYTES + Math.ceil(memory * megabytes) },
        });
        remarks.push(`${name}: ${megabytes.toFixed(2)} MB, ${chunks} chunks, ${most} tokens at most`);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
    return {
      configuration: {
        rounds,
        'memory allowed': `${BASE_MEGABYTES} MB and ${MEGABYTES_A_MEGABYTE} MB a MB of text`,
      },
      figures: [...factors, ...memories],
      remarks,
    };
  },
});

interface Time {
  /** CPU seconds a MB, of the text and of prose. */
  seconds: number;
  prose: number;
}

interface Memory {
  megabytes: number;
  extra: number;
  chunks: number;
  most: number;
}

/** The flags are those that Sluice gives its processes. */
function ask<Answer>(what: 'time' | 'memory', file: string, format: string): Answer {
  const output = execFileSync(process.execPath, [...nodeFlags, '--expose-gc', one, what, file, format]);
  return JSON.parse(output.toString('utf8')) as Answer;
}
