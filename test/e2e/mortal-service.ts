/**
 * The service in a process that dies by SIGKILL at one step of accepting: `node mortal-service.ts STEP NTH`, the settings in
 * the environment. Prints where it listens.
 */
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
    if (seen === nth) process.kill(process.pid, 'SIGKILL');
  },
});
process.stdout.write(`${service.url}\n`);
