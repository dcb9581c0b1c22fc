/** A worker process for tests that kill it: takes five jobs, says so, and never finishes them. */
import { type LineAddress, openChunkWorker } from '@sluice/queue';

const [url, address] = process.argv.slice(2);
let held = 0;
openChunkWorker(
  url!,
  JSON.parse(address!) as LineAddress,
  () => {
    held += 1;
    if (held === 5) process.send!('holds five');
    return new Promise(() => undefined);
  },
  { concurrency: 5, onError: () => undefined, lockMs: 500, stalledIntervalMs: 200 },
);
