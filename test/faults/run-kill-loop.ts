/**
 * `npm run test:kill [-- --kills 200 --seed N --documents 2400 --workers 3 --json --keep]`: the kill loop. The same seed is the same
 * plan. Exit code 1 when anything is lost, doubled, stale, orphaned or dead that was not planted, or later than promised.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { inSeconds } from './figures.ts';
import { type KillEvent, type KillLoopResult, runKillLoop } from './kill-loop.ts';
import { whatIsBroken } from './kill-loop-verdict.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    documents: { type: 'string', default: '2400' },
    workers: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});
const home = mkdtempSync(join(tmpdir(), 'sluice-kill-'));
const startedAt = performance.now();
let lastStatus = '';
if (!values.json) process.stdout.write(`seed ${values.seed}, data and logs in ${home}\n`);
const result = await runKillLoop({
  kills: Number(values.kills),
  seed: Number(values.seed),
  documents: Number(values.documents),
  workers: Number(values.workers),
  home,
  onProgress: show,
});
const broken = whatIsBroken(result);
const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.version}`;
if (values.json) process.stdout.write(`${JSON.stringify({ type: 'summary', machine, broken, ...result })}\n`);
else
  process.stdout.write(
    `${summary(result)}\n${machine}\n${broken.length === 0 ? 'held' : `BROKEN: ${broken.join('; ')}`}\n`,
  );
if (broken.length === 0 && !values.keep) rmSync(home, { recursive: true, force: true });
process.exitCode = broken.length === 0 ? 0 : 1;

function show(event: KillEvent): void {
  if (values.json) return void process.stdout.write(`${JSON.stringify(event)}\n`);
  if (event.type === 'phase') return void process.stdout.write(`${event.text}\n`);
  const progress = `[${String(event.done).padStart(3)}/${event.of}]`;
  const elapsed = (performance.now() - startedAt) / 1_000;
  const left =
    event.done === 0 ? '' : `, about ${Math.ceil(((elapsed / event.done) * (event.of - event.done)) / 60)} min left`;
  if (event.type === 'status') {
    const status = `${progress} ${event.stored} documents stored, ${event.open} on their way${left}\n`;
    if (status !== lastStatus) process.stdout.write(status);
    lastStatus = status;
  } else {
    const where = event.reached ? event.point : `at a random time (not met: ${event.point})`;
    process.stdout.write(`${progress} ${event.kind.padEnd(8)} ${where}\n`);
  }
}

function summary({ findings, documents, kills, atNamedPoints, dead, tokens, ...rest }: KillLoopResult): string {
  const count = (n: number) => n.toLocaleString('en');
  return [
    `kills        ${Object.entries(kills)
      .map(([kind, n]) => `${kind} ${n}`)
      .join(', ')}; ${atNamedPoints} at named points; ${Math.round(rest.seconds)} s`,
    `documents    ${count(documents.total)}: ${count(documents.handedIn)} handed in, ${count(documents.edits)} edits, ${count(documents.deletions)} deletions, ${count(documents.backAgain)} back to an earlier text, ${count(documents.inDoubt)} in doubt and handed in again`,
    `rows         ${count(findings.rows)} compared: lost ${findings.lost.length}, doubled ${findings.doubled.length}, stale ${findings.stale.length}, orphans ${findings.orphans.length}, wrong ${findings.wrong.length}`,
    `dead         ${dead.planted} planted, ${dead.others.length} others`,
    `tokens       ${count(tokens.corpus)} to embed, ${count(tokens.embedded)} embedded, ${count(tokens.wasted)} wasted (${((tokens.wasted / tokens.corpus) * 100).toFixed(2)} %; bound ${count(tokens.bound)})`,
    `picked up    ${inSeconds(rest.pickUpServed)} while a worker ran and its servers answered; by the clock ${inSeconds(rest.pickUp)}`,
    ...Object.entries(rest.recovery).map(([kind, spread]) => `${kind.padEnd(12)} back after ${inSeconds(spread)}`),
    `Milvus start ${inSeconds(rest.milvusStart)}; started again by its supervisor: ${rest.milvusStartedAgain.length === 0 ? 'never' : rest.milvusStartedAgain.join(', ')}`,
  ].join('\n');
}
