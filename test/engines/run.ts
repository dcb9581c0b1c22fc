/**
 * Runs the engines that can run on this machine with the toy model and writes the table of docs/engines.md.
 *
 *   npm run test:engines [-- NAME…] [--json] [--record | --replay]
 *
 * Each engine gets an environment of its own under .sluice/engines (Python 3.11 as `python3.11`, or SLUICE_ENGINE_PYTHON). NAME
 * selects those whose name starts with it; the page is written when all were seen. --record keeps what an engine answered, for the
 * conformance tests and for machines without it; --replay judges what was kept, installs nothing and starts nothing but Sluice's own, and leaves the page alone.
 * Exit code 1 when an engine was not seen (it could not be installed, did not start, or ended), is not judged as the table says that it
 * must be, or is called right without being at its golden vectors. What no package registry has is replayed where it is missing.
 *
 * After the engines, the embedding classes of examples/langchain, llamaindex and python-embeddings (NAME: langchain, llamaindex, python): each is
 * installed and its tests run; one that fails is exit code 1 too.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { readRecording, recordEngine, recordingPath, replayEngine } from '../support/engine-recording.ts';
import { clientExamples, tryClient } from './client-examples.ts';
import type { EngineRow } from './engine-row.ts';
import { engineTable } from './engine-table.ts';
import { enginesPage } from './engines-page.ts';
import { exists } from './environment.ts';
import { absent, describe, failed } from './judgement.ts';
import { root } from './layouts.ts';
import { type Measured, measureRow } from './measure.ts';
import { startEngine } from './server-process.ts';

const page = join(root, 'docs', 'engines.md');

const { values, positionals } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    replay: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const isChosen = ({ name }: { name: string }) =>
  positionals.length === 0 || positionals.some((one) => name.startsWith(one));
if (![...engineTable, ...clientExamples].some(isChosen)) {
  const names = [...engineTable, ...clientExamples].map(({ name }) => name);
  console.error(`Nothing is called ${positionals.join(' or ')}. There are: ${names.join('; ')}.`);
  process.exit(2);
}
const rows: Measured[] = [];
for (const row of engineTable.filter(isChosen)) {
  console.error(`${row.name} …`);
  const measured = await measureSomehow(row).catch((error: unknown) => absent(row, error, root));
  rows.push(measured);
  console.log(values.json ? JSON.stringify(measured) : describe(measured));
}
const whole = positionals.length === 0 && !values.replay;
const unseen = rows.filter(({ seen }) => seen === 'absent').length;
if (whole && unseen === 0) {
  const machine = `${cpus()[0]?.model ?? 'an unknown processor'}, ${availableParallelism()} cores, no GPU, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`;
  await writeFile(page, await enginesPage(page, rows, machine));
}
for (const row of rows.filter(failed)) console.error(`${row.engine}: expected ${row.expected}, ${describe(row)}`);
if (whole && unseen > 0) console.error(`docs/engines.md stays as it is: ${unseen} of ${rows.length} were not seen.`);
let clientsPassed = true;
for (const example of values.replay ? [] : clientExamples.filter(isChosen)) {
  console.error(`${example.name} …`);
  const outcome = await tryClient(example);
  clientsPassed &&= outcome.passed;
  console.log(values.json ? JSON.stringify(outcome) : `${outcome.client}: ${outcome.note ?? 'right'}`);
}
process.exitCode = rows.some(failed) || !clientsPassed ? 1 : 0;

async function measureSomehow(row: EngineRow): Promise<Measured> {
  if (row.start === undefined) return measureRow(row, 'live', undefined);
  const missing = row.needs !== undefined && !(await exists(row.needs.path)) ? row.needs : undefined;
  if (!row.own && (values.replay || missing !== undefined)) {
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
