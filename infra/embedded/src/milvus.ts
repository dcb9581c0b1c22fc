/**
 * The embedded store: the real standalone server, its binary started directly. (The wheel's own wrapper kills after one
 * second, leaves the server behind on SIGTERM and cannot move etcd's ports.) Stopping has a short deadline: with a loaded
 * collection the server stops its coordinators in milliseconds and then waits for them for ever (measured: not done after
 * 60 s), and acknowledged rows survive SIGKILL. Forgetting old sessions makes a restart take 3 to 8 s instead of 15 to 69 s;
 * the short session lease is for the case that they cannot be forgotten.
 */
import { access, constants, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '@sluice/core';
import { etcdYaml, glogConfig, type MilvusPort, milvusYaml } from './milvus-config.ts';
import { type MilvusLogin, waitForMilvus } from './milvus-readiness.ts';
import { forgetOldSessions, rememberSessions } from './milvus-sessions.ts';
import type { MilvusProgram } from './programs.ts';
import type { ServerProgram } from './supervised-server.ts';

/** The server keeps a lock file in the first of these that it can make; where that is, is compiled into it. */
const LOCK_FOLDERS = ['/run/milvus', '/tmp/milvus'];

/** Throws `setup_failed` where another user's Milvus has taken both. */
export async function requireLockFolder(folders: readonly string[] = LOCK_FOLDERS): Promise<void> {
  for (const folder of folders) {
    const usable = await mkdir(folder, { recursive: true })
      .then(() => access(folder, constants.W_OK))
      .then(
        () => true,
        () => false,
      );
    if (usable) return;
  }
  throw new SluiceError('setup_failed', {
    message: 'Milvus has nowhere to keep its lock file: the folders belong to another user of this machine',
    where: folders.join(', '),
    fix: `Ask its owner to open one (chmod 777 ${folders.at(-1)}), or set SLUICE_MILVUS_ADDRESS to a server of your own.`,
  });
}

export async function prepareMilvus({
  home,
  program,
  ports,
  login,
}: {
  home: string;
  program: MilvusProgram;
  ports: Record<MilvusPort, number>;
  login: MilvusLogin;
}): Promise<ServerProgram> {
  await requireLockFolder();
  const data = join(home, 'data', 'milvus');
  const logs = join(home, 'logs', 'milvus');
  const config = join(home, 'config', 'milvus');
  for (const folder of [data, logs, config]) await mkdir(folder, { recursive: true });
  const template = await readFile(program.template, 'utf8');
  await writeFile(join(config, 'milvus.yaml'), milvusYaml(template, { data, logs, ports }));
  await writeFile(join(config, 'etcd.yaml'), etcdYaml({ data, ports }));
  await writeFile(join(config, 'glog.conf'), glogConfig(logs));
  return {
    name: 'milvus',
    command: join(program.bin, 'milvus'),
    args: ['run', 'standalone'],
    env: {
      DEPLOY_MODE: 'STANDALONE',
      MILVUSCONF: config,
      ETCD_CONFIG_PATH: join(config, 'etcd.yaml'),
      METRICS_PORT: String(ports.metrics),
      COMMON_SESSION_TTL: '8',
      COMMON_SECURITY_AUTHORIZATIONENABLED: 'true',
      // A new collection answers after 1.8 s instead of 2.7 s; the time tick stays as everywhere.
      QUERYCOORD_CHECKCHANNELINTERVAL: '200',
      QUERYCOORD_CHECKSEGMENTINTERVAL: '200',
      LD_LIBRARY_PATH: program.bin,
      DYLD_LIBRARY_PATH: program.bin,
    },
    cwd: data,
    log: join(home, 'logs', 'milvus.log'),
    async waitUntilReady(signal) {
      const memory = { data, etcdPort: ports.etcd };
      await forgetOldSessions(memory, signal);
      await waitForMilvus(login, signal);
      if (!signal.aborted) await rememberSessions(memory);
    },
    readyTimeoutMs: 180_000,
    stopTimeoutMs: 2_000,
  };
}
