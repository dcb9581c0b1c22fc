/** Preloaded into a process under measurement (`--import`): writes what it used, all threads included, when it exits. */
import { writeFileSync } from 'node:fs';
import process from 'node:process';

const file = process.env.BENCH_USAGE_FILE;
if (file !== undefined) {
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    writeFileSync(
      file,
      JSON.stringify({ cpuMs: (userCPUTime + systemCPUTime) / 1_000, peakMB: (maxRSS * 1_024) / 1e6 }),
    );
  });
}
