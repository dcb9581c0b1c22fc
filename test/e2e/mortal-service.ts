/**
 * The service in a process that dies by SIGKILL at one step of accepting: `node mortal-service.ts STEP NTH`, the settings in
 * the environment. Prints where it listens, and before it dies the step at which it does.
 */
import { writeSync } from 'node:fs';
import { loadConfig, silentLogger } from '@sluice/core';
import { startService } from '@sluice/producer/service';

const [step, nth] = [process.argv[2], Number(process.argv[3])];
const values = Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('SLUICE_')));
let seen = 0;
const service = await startService({
  config: loadConfig([{ name: 'test', values }]).config,
  logger: silentLogger,
  chunk: false,
  onStep(now) {
    if (now !== step) return;
    seen += 1;
    if (seen !== nth) return;
    // Not through the stream: nothing that is buffered is written any more.
    writeSync(1, `${step}\n`);
    process.kill(process.pid, 'SIGKILL');
  },
});
process.stdout.write(`${service.url}\n`);
