/** `npm run check`: the static checks alone. */
import './require-node.mjs';

const [{ nodeEnvironment, rightNode }, { runChecks }] = await Promise.all([
  import('../apps/cli/bin/right-node.mjs'),
  import('./checks.mjs'),
]);
const failed = await runChecks(nodeEnvironment(rightNode() ?? process.execPath));
process.exitCode = failed > 0 ? 1 : 0;
