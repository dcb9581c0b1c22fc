/** `npm run test:faults` and `npm run test:kill`: installs what is missing, then runs the program of test/faults. */
import './require-node.mjs';

const [{ nodeEnvironment, runForeground }, { reportFailure }, { root }, { setUp }] = await Promise.all([
  import('../apps/cli/bin/right-node.mjs'),
  import('./setup/failure.mjs'),
  import('./setup/places.mjs'),
  import('./setup/setup.mjs'),
]);

const [program, ...args] = process.argv.slice(2);
try {
  const node = await setUp({ queue: true, store: true });
  const env = nodeEnvironment(node);
  process.exitCode = await runForeground(node, [`test/faults/run-${program}.ts`, ...args], { env, cwd: root });
} catch (error) {
  process.exitCode = reportFailure(error, { json: args.includes('--json') });
}
