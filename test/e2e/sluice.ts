/** The command as a user runs it: a process of its own, against the shared stack, on a line of the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { nodeFlags } from '@sluice/cli/node-flags';
import type { IngestSummary } from '@sluice/producer';
import { sharedStack } from '../support/stack.ts';

const projectFolder = resolve(import.meta.dirname, '../..');
export const corpusFolder = resolve(projectFolder, 'examples/corpus');
const main = resolve(projectFolder, 'apps/cli/src/main.ts');
const quickWorker = resolve(import.meta.dirname, 'quick-worker.ts');

interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
  /** Standard output as JSON lines. */
  lines: Record<string, unknown>[];
}

export interface Sluice {
  readonly line: string;
  /** Settings of every process that this starts. */
  readonly env: Record<string, string>;
  run(args: string[], input?: string | Readable): Promise<Result>;
  /** `ingest … --wait --json`; the summary is its last line. */
  ingest(args: string[], input?: string | Readable): Promise<IngestSummary & { lines: Record<string, unknown>[] }>;
  start(args: string[]): ChildProcess;
  /** Starts a worker process and resolves when it works. `quick`: one that takes others for dead within seconds, and is itself. */
  worker(options?: { quick?: boolean }): Promise<ChildProcess>;
}

export function createSluice(line: string, settings: Record<string, string> = {}): Sluice {
  const { redisUrl, milvus } = sharedStack();
  const env = {
    SLUICE_LINE: line,
    SLUICE_REDIS_URL: redisUrl,
    SLUICE_MILVUS_ADDRESS: milvus.address,
    SLUICE_MILVUS_USERNAME: milvus.username,
    SLUICE_MILVUS_PASSWORD: milvus.password,
    SLUICE_CHUNK_THREADS: '1',
    NO_COLOR: '1',
    ...settings,
  };

  const start = (args: string[]): ChildProcess => startProgram(main, args);

  function startProgram(program: string, args: string[]): ChildProcess {
    return spawn(process.execPath, [...nodeFlags, program, ...args], {
      env: { ...cleanEnvironment(), ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  async function run(args: string[], input: string | Readable = ''): Promise<Result> {
    const child = start(args);
    (typeof input === 'string' ? Readable.from([input]) : input).pipe(child.stdin!);
    child.stdin!.on('error', () => undefined);
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout!),
      text(child.stderr!),
      once(child, 'exit') as Promise<[number | null]>,
    ]);
    const lines = stdout
      .split('\n')
      .flatMap((found) => (found.startsWith('{') ? [JSON.parse(found) as Record<string, unknown>] : []));
    return { code, stdout, stderr, lines };
  }

  return {
    line,
    env,
    run,
    start,
    async ingest(args, input) {
      const { code, lines, stderr } = await run(['ingest', ...args, '--wait', '--json'], input);
      const summary = lines.at(-1) as unknown as IngestSummary | undefined;
      if (summary?.type !== 'summary') throw new Error(`ingest ended with ${code} and no summary:\n${stderr}`);
      if (summary.exitCode !== code) throw new Error(`the summary says ${summary.exitCode}, the process ${code}`);
      return { ...summary, lines };
    },
    async worker({ quick = false } = {}) {
      const child = quick ? startProgram(quickWorker, []) : start(['worker']);
      child.stdout!.resume();
      await saysWorking(child);
      return child;
    },
  };
}

/** The exit code, when the process has ended and all that it said was read: `exit` alone may come before the last lines. */
export async function ended(child: ChildProcess): Promise<number | null> {
  for (const stream of [child.stdout, child.stderr]) if (stream?.readableFlowing === null) stream.resume();
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}

/** Resolves when the worker logs that it works; rejects with its log when it ends before. */
async function saysWorking(child: ChildProcess): Promise<void> {
  const log: string[] = [];
  const lines = createInterface({ input: child.stderr! });
  await new Promise<void>((done, fail) => {
    lines.on('line', (line) => {
      log.push(line);
      if (line.includes('"worker started"')) done();
    });
    child.once('exit', (code) => fail(new Error(`the worker ended with ${code}:\n${log.join('\n')}`)));
  });
  lines.removeAllListeners('line');
  lines.on('line', () => undefined);
}

/** Nothing of the developer's own settings reaches the test. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_')));
}

async function text(stream: Readable): Promise<string> {
  const parts: string[] = [];
  for await (const part of stream.setEncoding('utf8')) parts.push(part as string);
  return parts.join('');
}
