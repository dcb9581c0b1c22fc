/** Node, inside the project, where the host's is too old to run TypeScript. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { nodePackage, projectNode, runsTypeScript } from '../../apps/cli/bin/right-node.mjs';
import { runInstaller } from './command.mjs';
import { SetupFailure } from './failure.mjs';
import { npmCommand } from './npm.mjs';
import { home, installerEnvironment } from './places.mjs';
import { hashOf, isStamped, stamped } from './stamp.mjs';

const NODE_VERSION = '24.21.0';

/** @returns {import('./setup.mjs').Step} */
export function nodeStep() {
  const stamp = join(home, 'node', 'installed');
  const hash = hashOf([NODE_VERSION, process.platform, process.arch]);
  return {
    text: `installing Node ${NODE_VERSION} into the project (this one is ${process.versions.node})`,
    isDone: () => runsTypeScript() || (isStamped(stamp, hash) && existsSync(projectNode())),
    run: () => stamped(stamp, hash, install),
  };
}

async function install() {
  const name = nodePackage();
  const tooOld = {
    fix: 'Install Node 22.18 or newer and run the command again.',
  };
  if (name === undefined) {
    throw new SetupFailure(
      `Node ${process.versions.node} is too old to run Sluice, and there is no newer one to install for ${process.platform} on ${process.arch}.`,
      tooOld,
    );
  }
  const { command, args, shell } = npmCommand();
  const install = [
    'install',
    '--prefix',
    join(home, 'node'),
    '--no-package-lock',
    '--no-save',
    `${name}@${NODE_VERSION}`,
  ];
  await runInstaller('npm', command, [...args, ...install], { env: installerEnvironment(), shell });
  const version = await runInstaller('node', projectNode(), ['--version']).catch(() => '');
  if (version.trim() !== `v${NODE_VERSION}`) {
    throw new SetupFailure(
      `Node ${process.versions.node} is too old to run Sluice, and Node ${NODE_VERSION} does not run here.`,
      tooOld,
    );
  }
}
