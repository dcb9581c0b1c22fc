/**
 * `npm run bench`: every benchmark in its short form, one after another. `npm run bench -- NAME…`: these in full.
 * `--json`: one report a line. `--write`: keeps the reports of full runs under bench/results and draws docs/performance.md anew.
 * A benchmark is a folder here with a run.ts.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { nodeFlags } from '@sluice/cli/node-flags';
import { writePage } from './report/page.ts';
import { renderReport } from './report/render.ts';
import type { Report } from './report/report.ts';

const here = import.meta.dirname;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const known = readdirSync(here)
  .filter((name) => existsSync(join(here, name, 'run.ts')))
  .toSorted();
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`No such benchmark: ${unknown.join(', ')}. There are: ${known.join(', ')}.\n`);
  process.exit(2);
}
const short = values.short || positionals.length === 0;

for (const name of positionals.length === 0 ? known : positionals) {
  const report = await run(name);
  if (report === undefined) continue;
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : `${renderReport(report)}\n\n`);
  if (values.write && !short)
    writeFileSync(join(here, 'results', `${name}.json`), `${JSON.stringify(report, null, 2)}\n`);
}
if (values.write) writePage();

/** Each in a process of its own: one's heap and compiled code are nothing to the next. */
async function run(name: string): Promise<Report | undefined> {
  const args = [...nodeFlags, join(here, name, 'run.ts'), '--json', ...(short ? ['--short'] : [])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, code] = await Promise.all([
    text(child.stdout),
    new Promise<number | null>((resolve) => child.once('exit', resolve)),
  ]);
  if (code !== 0) {
    process.exitCode = 1;
    process.stderr.write(`${name} ended with ${code}\n`);
  }
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  return last.startsWith('{') ? (JSON.parse(last) as Report) : undefined;
}
