/**
 * One benchmark as one command: `node bench/NAME/run.ts [--short] [--json]`. With `--json` the report is the one line of standard
 * output. Ends with 1 when a promise is not held in the full form; the short form is too short to judge by.
 */
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { parseArgs } from 'node:util';
import { renderReport } from './render.ts';
import { held, type Machine, type Measured, type Report } from './report.ts';
import { versions } from './versions.ts';

export interface Bench {
  name: string;
  question: string;
  /** `say`: progress for people, on standard error. */
  measure(options: { short: boolean; say(text: string): void }): Promise<Measured>;
}

export async function bench({ name, question, measure }: Bench): Promise<void> {
  const { values } = parseArgs({
    options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
  });
  const machine = machineNow();
  const startedAt = performance.now();
  const measured = await measure({
    short: values.short,
    say: (text) => process.stderr.write(`${name}: ${text}\n`),
  });
  const report: Report = {
    bench: name,
    question,
    form: values.short ? 'short' : 'full',
    date: new Date().toISOString().slice(0, 10),
    machine,
    versions: versions(),
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
    ...measured,
  };
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : `${renderReport(report)}\n`);
  if (!values.short && report.figures.some((figure) => held(figure) === false)) process.exitCode = 1;
}

function machineNow(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    load: loadavg().map((value) => Math.round(value * 10) / 10),
  };
}
