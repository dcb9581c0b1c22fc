/**
 * What an acknowledged write is worth when Redis is killed (SIGKILL) while the disk is busy, and what each `appendfsync` costs the queue.
 * With `everysec` Redis answers before its write(2) while an earlier fsync is under way, for up to 2 s; with `always` it
 * answers after its fdatasync. Both are measured in turn, on servers of their own, on the disk of the temporary folder.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@sluice/core';
import { connectRedis } from '@sluice/queue';
import { startValkey } from '@sluice/test/valkey';
import { bench } from '../report/bench.ts';
import { noteRedis } from '../report/versions.ts';

const POLICIES = ['everysec', 'always'] as const;
type Policy = (typeof POLICIES)[number];
/** As large as a chunk's job; a bulk of chunks is one transaction. */
const JOB_BYTES = 12_000;
const BULK = 100;

await bench({
  name: 'durability',
  question: 'what a killed Redis loses of what it had acknowledged, and what keeping it costs',
  async measure({ short, say }) {
    const kills = short ? 1 : 10;
    const rounds = short ? 1 : 3;
    const speedMs = short ? 1_000 : 3_000;
    const lost: Record<Policy, number[]> = { everysec: [], always: [] };
    const busy: Record<Policy, number[]> = { everysec: [], always: [] };
    const rates: Record<Policy, number[]> = { everysec: [], always: [] };
    for (let round = 1; round <= rounds; round += 1) {
      say(`speed, round ${round} of ${rounds}`);
      for (const policy of POLICIES) rates[policy].push(await speed(policy, speedMs));
    }
    for (let kill = 1; kill <= kills; kill += 1) {
      say(`kill ${kill} of ${kills}`);
      for (const policy of POLICIES) {
        const met = await killOnce(policy, 1_000 + 250 * (kill % 8));
        lost[policy].push(met.lost);
        busy[policy].push(met.perSecond);
      }
    }
    return {
      configuration: {
        'bytes a job': JOB_BYTES,
        'jobs a transaction': BULK,
        kills,
        rounds,
        server: 'Valkey with an AOF',
      },
      figures: POLICIES.flatMap((policy) => [
        {
          name: `acknowledged jobs lost by a kill, disk busy, ${policy}`,
          unit: 'jobs',
          runs: lost[policy],
          ...(policy === 'always' && { limit: { atMost: 0, everyRun: true } }),
        },
        { name: `jobs added, ${policy}`, unit: 'jobs/s', runs: rates[policy] },
        { name: `jobs added, disk busy, ${policy}`, unit: 'jobs/s', runs: busy[policy] },
      ]),
    };
  },
});

async function speed(policy: Policy, forMs: number): Promise<number> {
  const valkey = await startValkey(['--maxmemory', '2gb', '--appendfsync', policy]);
  await noteRedis(valkey.url);
  const redis = connectRedis(valkey.url, { role: 'producer', logger: silentLogger });
  const startedAt = performance.now();
  let added = 0;
  while (performance.now() - startedAt < forMs) {
    await addBulk(redis, added);
    added += BULK;
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  redis.disconnect();
  await valkey.stop();
  return added / seconds;
}

/** Writes until the server dies, starts it again on its data and counts what it had acknowledged and does not know. */
async function killOnce(policy: Policy, afterMs: number): Promise<{ lost: number; perSecond: number }> {
  const valkey = await startValkey(['--maxmemory', '2gb', '--appendfsync', policy]);
  const redis = connectRedis(valkey.url, { role: 'reader', logger: silentLogger });
  const disk = await keepDiskBusy();
  let acknowledged = 0;
  const startedAt = performance.now();
  const killed = heldBack(valkey.url, afterMs).then(() => valkey.kill());
  try {
    for (;;) {
      await addBulk(redis, acknowledged);
      acknowledged += BULK;
    }
  } catch {
    // The kill.
  }
  await killed;
  const seconds = (performance.now() - startedAt) / 1_000;
  await disk.stop();
  redis.disconnect();
  await valkey.restart();
  const again = connectRedis(valkey.url, { role: 'producer', logger: silentLogger });
  let lost = 0;
  for (let from = 0; from < acknowledged; from += 1_000) {
    const keys = Array.from({ length: Math.min(1_000, acknowledged - from) }, (_, i) => `job:${from + i}`);
    lost += keys.length - (await again.exists(...keys));
  }
  again.disconnect();
  await valkey.stop();
  return { lost, perSecond: acknowledged / seconds };
}

/**
 * The moment to kill: not before `afterMs`, and when the server says that it has written less than it has acknowledged, if it
 * says so within five seconds.
 */
async function heldBack(url: string, afterMs: number): Promise<void> {
  const redis = connectRedis(url, { role: 'reader', logger: silentLogger });
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  const until = performance.now() + 5_000;
  while (performance.now() < until) {
    const info = await redis.info('persistence');
    if (/aof_pending_bio_fsync:1/.test(info) && !/aof_buffer_length:0\r/.test(info)) break;
  }
  redis.disconnect();
}

async function addBulk(redis: ReturnType<typeof connectRedis>, from: number): Promise<void> {
  const transaction = redis.multi();
  for (let i = from; i < from + BULK; i += 1) transaction.hset(`job:${i}`, 'data', 'x'.repeat(JOB_BYTES));
  await transaction.exec();
}

/** Other programs that write and sync on the same disk. They end with this process, however it ends. */
async function keepDiskBusy(): Promise<{ stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-busy-'));
  const writers = [0, 1].map((i) => {
    const write = `dd if=/dev/zero of="$1/${i}" bs=1M count=100 conv=fsync 2>/dev/null`;
    const loop = `while kill -0 "$2" 2>/dev/null; do ${write}; done; rm -rf "$1"`;
    return spawn('/bin/sh', ['-c', loop, 'busy', folder, String(process.pid)], { stdio: 'ignore', detached: true });
  });
  return {
    async stop() {
      const gone = writers.map((writer) => new Promise((resolve) => writer.once('exit', resolve)));
      for (const { pid } of writers) process.kill(-pid!, 'SIGKILL');
      await Promise.all(gone);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
