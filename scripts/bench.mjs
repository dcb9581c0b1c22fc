/** `npm run bench`: installs what is missing, then runs the benchmarks. Arguments go to bench/run.ts. */
import './require-node.mjs';

const [{ nodeEnvironment, runForeground }, { reportFailure }, { root }, { setUp }] = await Promise.all([
  import('../apps/cli/bin/right-node.mjs'),
  import('./setup/failure.mjs'),
  import('./setup/places.mjs'),
  import('./setup/setup.mjs'),
]);

try {
  const node = await setUp({ queue: true, store: true });
  const env = nodeEnvironment(node);
  process.exitCode = await runForeground(node, ['bench/run.ts', ...process.argv.slice(2)], { env, cwd: root });
} catch (error) {
  process.exitCode = reportFailure(error, { json: false });
}
