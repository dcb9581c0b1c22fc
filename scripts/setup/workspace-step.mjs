/** The packages of the workspace, by the pinned pnpm from the committed lockfile. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeEnvironment, rightNode } from '../../apps/cli/bin/right-node.mjs';
import { runInstaller } from './command.mjs';
import { npmCommand } from './npm.mjs';
import { cache, installerEnvironment, root } from './places.mjs';
import { hashOf, isStamped, stamped } from './stamp.mjs';

const PNPM_VERSION = '12.21.0';
const FOLDERS = ['apps', 'packages', 'infra'];
const PACKAGES = ['test', 'bench'];

/** @returns {import('./setup.mjs').Step} */
export function workspaceStep() {
  const stamp = join(root, 'node_modules', '.sluice-installed');
  const hash = hashOf([
    PNPM_VERSION,
    process.platform,
    process.arch,
    ...manifests().map((path) => readFileSync(path, 'utf8')),
  ]);
  return {
    text: 'installing the packages',
    isDone: () => isStamped(stamp, hash) && existsSync(join(root, 'node_modules', '.modules.yaml')),
    run: () => stamped(stamp, hash, install),
  };
}

/** Everything that pnpm reads. */
function manifests() {
  const inFolders = FOLDERS.flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(folder, name)));
  return ['.', ...inFolders, ...PACKAGES]
    .map((folder) => join(root, folder, 'package.json'))
    .concat(join(root, 'pnpm-lock.yaml'), join(root, 'pnpm-workspace.yaml'))
    .filter((path) => existsSync(path))
    .sort();
}

async function install() {
  const { command, args, shell } = npmCommand();
  const env = installerEnvironment(nodeEnvironment(rightNode() ?? process.execPath));
  const pnpm = ['exec', '--yes', '--', `pnpm@${PNPM_VERSION}`];
  const install = ['install', '--frozen-lockfile', '--prod=false', '--store-dir', join(cache, 'pnpm')];
  await runInstaller('pnpm', command, [...args, ...pnpm, ...install], { env, shell });
}
