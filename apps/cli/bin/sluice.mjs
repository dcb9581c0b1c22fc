#!/usr/bin/env node
/** `npx sluice …` in the clone, whatever the host's Node (20 or newer): runs the command with a Node that can. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { nodeFlags } from './node-flags.mjs';
import { nodeEnvironment, projectRoot, rightNode, runForeground } from './right-node.mjs';

const node = rightNode();
if (node === undefined || !existsSync(join(projectRoot, 'node_modules', '.modules.yaml'))) {
  process.stderr.write(`Sluice is not installed yet. Type \`npm start\` in ${projectRoot} first.\n`);
  process.exit(1);
}
const main = join(projectRoot, 'apps', 'cli', 'src', 'main.ts');
process.exitCode = await runForeground(node, [...nodeFlags, main, ...process.argv.slice(2)], {
  env: nodeEnvironment(node),
});
