/** What `npm start` does once the host's Node is known to be new enough. */
import { join } from 'node:path';
import { nodeFlags } from '../apps/cli/bin/node-flags.mjs';
import { nodeEnvironment, runForeground } from '../apps/cli/bin/right-node.mjs';
import { reportFailure } from './setup/failure.mjs';
import { root } from './setup/places.mjs';
import { neededServers } from './setup/settings.mjs';
import { setUp } from './setup/setup.mjs';

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function main(args) {
  try {
    const node = await setUp(neededServers());
    // npm runs this in the project folder, wherever it was typed.
    const { INIT_CWD, npm_lifecycle_event } = process.env;
    const from = npm_lifecycle_event === 'start' && INIT_CWD !== undefined ? ['--from', INIT_CWD] : [];
    const cli = join(root, 'apps', 'cli', 'src', 'main.ts');
    return await runForeground(node, [...nodeFlags, cli, 'demo', ...from, ...args], { env: nodeEnvironment(node) });
  } catch (error) {
    return reportFailure(error, { json: args.includes('--json') });
  }
}
