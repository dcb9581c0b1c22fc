/**
 * What `npm test` does: types, lint, unused code and structure, then every test against the real servers. All of it runs even
 * when a check fails, so that one run tells everything; the last line counts both.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { nodeEnvironment, runForeground } from '../apps/cli/bin/right-node.mjs';
import { runChecks } from './checks.mjs';
import { reportFailure } from './setup/failure.mjs';
import { home, root } from './setup/places.mjs';
import { setUp } from './setup/setup.mjs';

/** @param {string[]} args for Vitest @returns {Promise<number>} the exit code */
export async function main(args) {
  let node;
  try {
    node = await setUp({ queue: true, store: true });
  } catch (error) {
    return reportFailure(error, { json: false });
  }
  const env = nodeEnvironment(node);
  const failedChecks = await runChecks(env);

  const results = join(home, 'vitest.json');
  rmSync(results, { force: true });
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`];
  const code = await runForeground(node, [vitest, 'run', ...reporters, ...args], { env, cwd: root });

  const { passed, failed, withoutBrowser } = countTests(results);
  // Vitest can fail without a failed test: an unhandled error, a crash before the first one.
  const unseen = code !== 0 && failed === 0 ? 1 : 0;
  if (withoutBrowser > 0) {
    process.stdout.write(
      `\n${withoutBrowser} tests of the dashboard need a browser and were skipped: no Chromium is installed (BROWSER_PATH may name one; REQUIRE_BROWSER=true makes this a failure)\n`,
    );
  }
  process.stdout.write(`\n${passed} passed, ${failed + unseen + failedChecks} failed\n`);
  return code !== 0 ? code : failedChecks > 0 ? 1 : 0;
}

/** Files that failed before their first test count as one failure each. @param {string} path */
function countTests(path) {
  try {
    /** @type {{ numPassedTests: number, numFailedTests: number, testResults: { status: string, assertionResults: { status: string, ancestorTitles: string[] }[] }[] }} */
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(path, 'utf8'));
    const broken = testResults.filter(
      ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
    );
    const inBrowser = testResults.flatMap(({ assertionResults }) =>
      assertionResults.filter(({ ancestorTitles }) => ancestorTitles.includes('in a browser')),
    );
    const withoutBrowser = inBrowser.filter(({ status }) => status !== 'passed' && status !== 'failed').length;
    return { passed: numPassedTests, failed: numFailedTests + broken.length, withoutBrowser };
  } catch {
    return { passed: 0, failed: 0, withoutBrowser: 0 };
  }
}
