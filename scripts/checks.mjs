/** The static checks, each with the one tool that does it. Quiet when they pass. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from './setup/places.mjs';
import { structureProblems } from './structure.mjs';

const bin = (/** @type {string} */ name) => join(root, 'node_modules', '.bin', name);

const TOOLS = [
  { name: 'types', command: bin('tsc'), args: ['-p', '.'] },
  { name: 'lint, format, import cycles', command: bin('biome'), args: ['check', '--error-on-warnings', '.'] },
  { name: 'unused code and dependencies', command: bin('knip'), args: ['--no-config-hints'] },
];

/** @param {NodeJS.ProcessEnv} env in which `node` is the right one @returns {Promise<number>} how many failed */
export async function runChecks(env) {
  let failed = 0;
  for (const { name, command, args } of TOOLS) {
    const started = performance.now();
    const { code, output } = await capture(command, args, env);
    failed += report(name, code === 0, output, started);
  }
  const started = performance.now();
  const problems = structureProblems(root);
  failed += report('import directions', problems.length === 0, `${problems.join('\n')}\n`, started);
  return failed;
}

/** @param {string} name @param {boolean} ok @param {string} output @param {number} started */
function report(name, ok, output, started) {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${ok ? '✓' : '✗'} ${name} (${seconds} s)\n${ok ? '' : output}`);
  return ok ? 0 : 1;
}

/**
 * @param {string} command @param {string[]} args @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ code: number, output: string }>}
 */
function capture(command, args, env) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env,
      shell: process.platform === 'win32',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const take = (/** @type {Buffer} */ bytes) => {
      output += bytes.toString('utf8');
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('error', (error) => resolve({ code: -1, output: `${error.message}\n` }));
    child.once('close', (code) => resolve({ code: code ?? -1, output }));
  });
}
