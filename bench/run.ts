/**
 * `npm run bench`: every benchmark in its short form, one after another, with the time of each. `npm run bench -- NAME…`: these in full.
 * `--json`: one report a line. `--write`: keeps the reports of full runs under bench/results and draws docs/performance.md anew.
 * A benchmark is a folder here with a run.ts.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { nodeFlags } from '@sluice/cli/node-flags';
import { writePage } from './report/page.ts';
import { renderReport } from './report/render.ts';
import type { Report } from './report/report.ts';
import { sharedBy, startServers } from './stack/servers.ts';

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
const names = positionals.length === 0 ? known : positionals;

/** Starting Milvus takes longer than most short forms: there all that need one share it. A full run has servers that did nothing before. */
const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
const asked = names.filter((name) => readFileSync(join(here, name, 'run.ts'), 'utf8').includes('openBenchStack'));
const servers = short && asked.length > 1 ? await startServers(join(folder, 'home')) : undefined;
const times: [name: string, seconds: number][] = [];
const startedAt = performance.now();
try {
  for (const name of names) {
    const began = performance.now();
    const report = await run(name);
    times.push([name, (performance.now() - began) / 1_000]);
    if (report === undefined) continue;
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : `${renderReport(report)}\n\n`);
    if (values.write && !short)
      writeFileSync(join(here, 'results', `${name}.json`), `${JSON.stringify(report, null, 2)}\n`);
  }
} finally {
  await servers?.stop();
  rmSync(folder, { recursive: true, force: true });
}
if (values.write) writePage();
if (names.length > 1) {
  const inAll = (performance.now() - startedAt) / 1_000;
  const each = times.map(([name, seconds]) => `${name} ${seconds.toFixed(0)}`).join(', ');
  process.stderr.write(`${inAll.toFixed(0)} s in all: ${each}\n`);
}

/** Each in a process of its own: one's heap and compiled code are nothing to the next. */
async function run(name: string): Promise<Report | undefined> {
  const args = [...nodeFlags, join(here, name, 'run.ts'), '--json', ...(short ? ['--short'] : [])];
  const env = { ...process.env, ...(servers !== undefined && sharedBy(servers)) };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
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
