/**
 * The real servers for a benchmark, in a home of their own that is gone afterwards, and the command as a user runs it: every
 * process reports the CPU time and the peak memory of all its threads when it exits.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { nodeFlags, nodeVariables } from '@sluice/cli/node-flags';
import { silentLogger } from '@sluice/core';
import { connectStore } from '@sluice/store';
import { notePackage, noteRedis, noteVersion } from '../report/versions.ts';
import { sharedServers, startServers } from './servers.ts';

const root = join(import.meta.dirname, '../..');
const main = join(root, 'apps/cli/src/main.ts');
const preload = join(import.meta.dirname, 'usage-at-exit.mjs');

export interface Usage {
  /** User and system time of all threads, start-up included. */
  cpuMs: number;
  /** Peak resident memory. */
  peakMB: number;
}

export interface BenchProcess {
  readonly child: ChildProcess;
  /** Standard output as JSON lines, so far. */
  readonly lines: Record<string, unknown>[];
  /** Resolves when it has exited by itself. Throws when it failed. */
  finished(): Promise<Usage>;
  /** Asks it to end, and waits. */
  stop(): Promise<Usage>;
}

export interface BenchStack {
  /** A folder that is gone afterwards. */
  readonly folder: string;
  /** Where the servers live. */
  readonly home: string;
  readonly settings: Record<string, string>;
  /** What the servers are, for the configuration of a report. */
  readonly servers: string;
  /** CPU time of each server so far. Linux alone; elsewhere empty. */
  serverCpuMs(): Record<string, number>;
  /** The command with these settings; `nodeArgs`, such as --cpu-prof. */
  sluice(args: string[], settings?: Record<string, string>, nodeArgs?: string[]): BenchProcess;
  /** Any Node script, measured alike. */
  node(args: string[], env?: Record<string, string>): BenchProcess;
  /** A worker; resolves when it works. */
  worker(settings: Record<string, string>, nodeArgs?: string[]): Promise<BenchProcess>;
  /** Ends the servers, and every process above that still runs. */
  stop(): Promise<void>;
}

export async function openBenchStack(): Promise<BenchStack> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const stack = (await sharedServers()) ?? (await startServers(join(folder, 'home')));
  const { redisUrl, milvus, milvusKind, servers } = stack.state;
  const settings = {
    SLUICE_REDIS_URL: redisUrl!,
    SLUICE_MILVUS_ADDRESS: milvus!.address,
    SLUICE_MILVUS_USERNAME: milvus!.username,
    SLUICE_MILVUS_PASSWORD: milvus!.password,
    // Of the benchmark, where it does not say: the servers may have lines of others.
    SLUICE_LINE: basename(dirname(process.argv[1]!)),
    SLUICE_LOG_LEVEL: 'info',
    NO_COLOR: '1',
  };
  await noteRedis(redisUrl!);
  const store = await connectStore({ ...milvus!, logger: silentLogger });
  noteVersion(milvusKind!, await store.version());
  await store.close();
  notePackage('@zilliz/milvus2-sdk-node', 'packages/store');
  const running = new Set<ChildProcess>();
  let processes = 0;

  function node(args: string[], env: Record<string, string> = {}): BenchProcess {
    processes += 1;
    const usageFile = join(folder, `usage-${processes}.json`);
    const child = spawn(process.execPath, [...nodeFlags, '--import', preload, ...args], {
      env: { ...nodeVariables, PATH: process.env.PATH, HOME: process.env.HOME, ...env, BENCH_USAGE_FILE: usageFile },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    child.once('close', () => running.delete(child));
    const lines: Record<string, unknown>[] = [];
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (line.startsWith('{')) lines.push(JSON.parse(line) as Record<string, unknown>);
    });
    let log = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-4_000);
    });
    const exited = once(child, 'close') as Promise<[number | null]>;
    const finished = async (): Promise<Usage> => {
      const [code] = await exited;
      if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}:\n${log}`);
      return JSON.parse(readFileSync(usageFile, 'utf8')) as Usage;
    };
    return {
      child,
      lines,
      finished,
      stop() {
        child.kill('SIGTERM');
        return finished();
      },
    };
  }

  const sluice: BenchStack['sluice'] = (args, more = {}, nodeArgs = []) =>
    node([...nodeArgs, main, ...args], { ...settings, ...more });

  return {
    folder,
    home: stack.home,
    settings,
    servers: `embedded valkey and ${milvusKind}`,
    serverCpuMs: () => Object.fromEntries(servers.map(({ name, pid }) => [name, cpuMsOf(pid)])),
    sluice,
    node,
    async worker(more, nodeArgs) {
      const worker = sluice(['worker'], more, nodeArgs);
      const output = createInterface({ input: worker.child.stderr! });
      await new Promise<void>((resolve, reject) => {
        output.on('line', (line) => {
          if (line.includes('"worker started"')) resolve();
        });
        worker.finished().then(() => reject(new Error('the worker ended at once')), reject);
      });
      return worker;
    },
    async stop() {
      // A benchmark that failed half way leaves processes: they would go on beside whatever is measured next.
      const left = [...running].map((child) => once(child, 'close'));
      for (const child of running) child.kill('SIGKILL');
      await Promise.all(left);
      await stack.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** From the kernel's own count, in ticks of 10 ms; children that were waited for included. NaN on other systems than Linux. */
export function cpuMsOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return 10 * [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0);
  } catch {
    return Number.NaN;
  }
}
