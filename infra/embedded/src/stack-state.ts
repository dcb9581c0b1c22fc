/**
 * What is known of a home's stack, in `stack.json` (mode 0600: it holds the generated passwords). It is written by the
 * process that holds the stack's lock only, and kept when the stack stops, so that the next start uses the same ports,
 * passwords and data, and finds servers that a crash left behind.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isSameProcess } from './process-identity.mjs';

export type MilvusKind = 'milvus' | 'milvus-lite';

/** What other commands need to use a running stack. */
export interface StackState {
  /** With its password. Absent when the queue was not asked for. */
  redisUrl?: string;
  /** Name and password are '' for milvus-lite, which knows none. Absent when the store was not asked for. */
  milvus?: { address: string; username: string; password: string };
  /** `milvus-lite` is for development only: one worker. */
  milvusKind?: MilvusKind;
  /** Pid of the process that started the stack and stops it. */
  startedBy: number;
  /** ISO 8601. */
  startedAt: string;
  /** Ports that are open on every interface, because Milvus 2.3 cannot listen on loopback alone. */
  openPorts: { name: string; port: number }[];
  servers: ServerRecord[];
}

export interface ServerRecord {
  name: string;
  pid: number;
  /** Tells the process from a later one with the same pid. */
  identity: string;
  /** Where its output goes. */
  log: string;
}

/** `stack.json`: what outlives the stack, and the state of the one that runs or ran last. */
export interface StackFile {
  ports: Record<string, number>;
  passwords: { valkey: string; milvus: string };
  /** Absent before the first start. */
  last?: StackState & { startedByIdentity: string; ready: boolean };
}

function stackFilePath(home: string): string {
  return join(home, 'stack.json');
}

/** The state of the stack that runs for this home; undefined unless the process that started it is alive and it is ready. */
export async function readStack(home: string): Promise<StackState | undefined> {
  const last = (await readStackFile(home))?.last;
  if (last?.ready !== true) return undefined;
  if (!isSameProcess({ pid: last.startedBy, identity: last.startedByIdentity })) return undefined;
  return toState(last);
}

/** Without what only the stack itself needs. */
export function toState({
  startedByIdentity: _identity,
  ready: _ready,
  ...state
}: NonNullable<StackFile['last']>): StackState {
  return state;
}

/** undefined when there is none yet. Throws when it cannot be read: its passwords open the data, so it is never replaced blindly. */
export async function readStackFile(home: string): Promise<StackFile | undefined> {
  try {
    return JSON.parse(await readFile(stackFilePath(home), 'utf8')) as StackFile;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export async function writeStackFile(home: string, file: StackFile): Promise<void> {
  await mkdir(home, { recursive: true });
  const path = stackFilePath(home);
  const next = `${path}.${process.pid}.next`;
  await writeFile(next, `${JSON.stringify(file, undefined, 2)}\n`, { mode: 0o600 });
  await rename(next, path);
}

export function newStackFile(): StackFile {
  return { ports: {}, passwords: { valkey: newPassword(), milvus: newPassword() } };
}

/** 160 bits; letters and digits only, so that no file format or URL needs escaping. */
function newPassword(): string {
  return randomBytes(20).toString('hex');
}
