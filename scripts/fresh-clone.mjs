/**
 * What a newcomer's machine does, for whoever releases: this checkout's last commit cloned into an empty folder, an empty HOME, then
 * `npm start -- --once --json` and `npm test`, each with its time. Needs the network. `--no-test` leaves the second out.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const project = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'sluice-clone-'));
const clone = join(folder, 'sluice');
const empty = join(folder, 'home');
mkdirSync(empty);

/** Nothing that an npm or a Sluice of this machine has set goes with it but how the registries are reached. */
const kept = Object.entries(process.env).filter(
  ([name]) => !/^(npm_(?!config_)|SLUICE_|NODE_OPTIONS|NODE_COMPILE_CACHE|XDG_|INIT_CWD)/i.test(name),
);
const env = { ...Object.fromEntries(kept), HOME: empty };

/** @param {string} what @param {string} command @param {string[]} args @param {string} cwd */
function timed(what, command, args, cwd) {
  const startedAt = performance.now();
  const { status } = spawnSync(command, args, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] });
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  process.stdout.write(`\n${what}: exit code ${status}, ${seconds} s\n`);
  return status === 0;
}

try {
  const steps = [
    () => timed('git clone', 'git', ['clone', '--quiet', project, clone], folder),
    () => timed('npm start -- --once --json', 'npm', ['start', '--', '--once', '--json'], clone),
    () => timed('the same again', 'npm', ['start', '--', '--once', '--json'], clone),
    ...(process.argv.includes('--no-test') ? [] : [() => timed('npm test', 'npm', ['test'], clone)]),
  ];
  process.exitCode = steps.every((step) => step()) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
