/**
 * Installs what is missing, into the project folder, and returns the Node to run Sluice with. A second call takes
 * milliseconds. One process installs at a time; the others wait for it.
 *
 * @typedef {{ text: string, isDone: () => boolean, run: () => Promise<void> }} Step
 */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { rightNode } from '../../apps/cli/bin/right-node.mjs';
import { waitForLock } from '../../infra/embedded/src/file-lock.mjs';
import { missingServers } from '../../infra/embedded/src/platform-support.mjs';
import { SetupFailure } from './failure.mjs';
import { nodeStep } from './node-step.mjs';
import { home, makePlaces, root } from './places.mjs';
import { step } from './progress.mjs';
import { pythonSteps } from './python-step.mjs';
import { workspaceStep } from './workspace-step.mjs';

/**
 * @param {{ queue: boolean, store: boolean }} needs the embedded servers that will be started
 * @returns {Promise<string>}
 */
export async function setUp(needs) {
  requirePlatform(needs);
  const steps = [nodeStep(), workspaceStep(), ...pythonSteps(needs)];
  if (!steps.every(({ isDone }) => isDone())) await install(steps);
  const node = rightNode();
  if (node === undefined) throw new Error('the project has no Node although its step is done');
  return node;
}

/** @param {Step[]} steps */
async function install(steps) {
  requireWritable();
  makePlaces();
  const lock = await waitForLock(join(home, 'setup.lock'), {
    onWait: ({ pid }) => process.stderr.write(`  waiting for another set-up (process ${pid})\n`),
  });
  try {
    for (const { text, isDone, run } of steps) {
      if (!isDone()) await step(text, run);
    }
  } finally {
    lock.release();
  }
}

/** @param {{ queue: boolean, store: boolean }} needs */
function requirePlatform(needs) {
  const missing = missingServers().filter(({ part }) => needs[part]);
  if (missing.length === 0) return;
  throw new SetupFailure(`${missing.map(({ why }) => why).join('.\n')}.`, {
    code: 'unsupported_platform',
    fix: `Use WSL2 or a Linux with glibc 2.28 or newer; or set ${missing.map(({ setting }) => setting).join(' and ')} (and SLUICE_ENGINE_URL for a real engine) to servers of your own.`,
  });
}

function requireWritable() {
  try {
    accessSync(root, constants.W_OK);
  } catch {
    throw new SetupFailure(`The project folder cannot be written to: ${root}`, {
      fix: 'Everything is installed into it: clone into a folder of your own.',
    });
  }
}
