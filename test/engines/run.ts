/**
 * Runs the engines that can run on this machine with the toy model and writes the table of docs/engines.md.
 *
 *   npm run test:engines [-- NAME…] [--json] [--record | --replay]
 *
 * Each engine gets an environment of its own under .sluice/engines (Python 3.11 as `python3.11`, or SLUICE_ENGINE_PYTHON). NAME
 * selects those whose name starts with it; the page is written when all ran. --record keeps what an engine answered, for the
 * conformance tests and for machines without it; --replay judges what was kept, and installs and starts nothing. Exit code 1 when an engine is not judged as the table says that it must be, or is
 * called right without being at its golden vectors.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { readRecording, recordEngine, recordingPath, replayEngine } from '../support/engine-recording.ts';
import type { EngineRow } from './engine-row.ts';
import { engineTable } from './engine-table.ts';
import { enginesPage } from './engines-page.ts';
import { exists } from './environment.ts';
import { root } from './layouts.ts';
import { type Measured, measureRow } from './measure.ts';
import { startEngine } from './server-process.ts';

/** bfloat16 is at 0.99998. */
const RIGHT = 0.9999;
const page = join(root, 'docs', 'engines.md');

const { values, positionals } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    replay: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const chosen = engineTable.filter(
  ({ name }) => positionals.length === 0 || positionals.some((one) => name.startsWith(one)),
);
const rows: Measured[] = [];
for (const row of chosen) {
  console.error(`${row.name} …`);
  const measured = await measureSomehow(row).catch((error: unknown) => absent(row, error));
  rows.push(measured);
  console.log(values.json ? JSON.stringify(measured) : line(measured));
}
if (positionals.length === 0) {
  const machine = `${cpus()[0]?.model ?? 'an unknown processor'}, ${availableParallelism()} cores, no GPU, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`;
  await writeFile(page, await enginesPage(page, rows, machine));
}
const odd = rows.filter(misjudged);
for (const row of odd) console.error(`${row.engine}: expected ${row.expected}, ${line(row)}`);
process.exitCode = odd.length > 0 ? 1 : 0;

async function measureSomehow(row: EngineRow): Promise<Measured> {
  if (row.start === undefined) return measureRow(row, 'live', undefined);
  const missing = row.needs !== undefined && !(await exists(row.needs.path)) ? row.needs : undefined;
  if (values.replay || missing !== undefined) {
    const recording = await readRecording(row.name);
    if (recording === undefined)
      throw new Error(
        `no recording${missing === undefined ? '' : `, and ${missing.path} is not there: ${missing.what}`}`,
      );
    await using replayed = await replayEngine(recording);
    const measured = await measureRow(row, 'replayed', replayed.url);
    return { ...measured, recorded: recording.recorded, rowsPerSecond: null };
  }
  await using server = await startEngine({ ...row, start: row.start });
  if (!values.record) return await measureRow(row, 'live', server.url);
  await mkdir(dirname(recordingPath(row.name)), { recursive: true });
  await using door = await recordEngine(row.name, server.url);
  const measured = await measureRow(row, 'live', door.url);
  await door.save();
  return measured;
}

function misjudged({ seen, verdict, code, expected, passage, query }: Measured): boolean {
  if (seen === 'absent') return false;
  if (expected !== 'right') return code !== expected;
  const served = [passage, query].filter((lowest) => lowest !== null);
  return verdict !== 'right' || served.length === 0 || !served.every((lowest) => lowest >= RIGHT);
}

function line({ engine, seen, verdict, code, passage, query, note }: Measured): string {
  if (seen === 'absent') return `${engine}: not seen, ${note}`;
  const figure = (lowest: number | null) => lowest?.toFixed(6) ?? '–';
  return `${engine}: ${code ?? verdict}, ${seen}, passage ${figure(passage)}, query ${figure(query)}`;
}

function absent(row: EngineRow, error: unknown): Measured {
  const words = error instanceof Error ? error.message : String(error);
  return {
    engine: row.name,
    seen: 'absent',
    expected: row.expect,
    passage: null,
    query: null,
    none: null,
    batchInvariance: null,
    overLong: 'not asked',
    base64: false,
    rowsPerSecond: null,
    note: words.replaceAll(root, '').split('\n').slice(0, 3).join(' ').slice(0, 300),
  };
}
