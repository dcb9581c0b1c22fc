/** Runs an installer, keeps what it says in a log, and says plainly why it failed: no network, no disk space, no permission. */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { SetupFailure } from './failure.mjs';
import { root, setupLog } from './places.mjs';

const NO_NETWORK =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|ERR_PNPM_META_FETCH_FAIL|NewConnectionError|ConnectTimeoutError|NameResolutionError|Temporary failure in name resolution|Connection refused|ProxyError|Network is unreachable|SSLError|CERT_|certificate/i;
const NO_SPACE = /ENOSPC|No space left on device|disk quota exceeded|EDQUOT/i;
const NO_PERMISSION = /EACCES|EPERM|EROFS|Permission denied|Read-only file system/i;

/**
 * @param {string} installer npm, pnpm, pip, python: for messages
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, shell?: boolean }} [options]
 * @returns {Promise<string>} what it wrote
 */
export async function runInstaller(installer, command, args, { env = process.env, shell = false } = {}) {
  const { code, output } = await new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env, shell, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    const take = (/** @type {Buffer} */ bytes) => {
      text += bytes.toString('utf8');
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('error', (error) => resolve({ code: -1, output: `${text}${error.message}` }));
    child.once('close', (exitCode) => resolve({ code: exitCode ?? -1, output: text }));
  });
  appendFileSync(setupLog, `\n$ ${command} ${args.join(' ')}\n${output}\n[${code}]\n`);
  if (code !== 0) throw explain(installer, output);
  return output;
}

/** @param {string} installer @param {string} output */
export function explain(installer, output) {
  if (NO_SPACE.test(output)) {
    return new SetupFailure(`The disk is full: ${installer} could not write.`, {
      fix: 'Sluice needs 2 GB in the project folder. Free some space and run the command again.',
    });
  }
  if (NO_NETWORK.test(output)) {
    return new SetupFailure(`No network: ${installer} cannot reach its registry.`, {
      fix: `Connect, or name your proxy or mirror (HTTPS_PROXY; ${installer === 'pip' ? 'PIP_INDEX_URL' : 'npm config set registry'}), and run the command again. The log is ${setupLog}.`,
      exitCode: 4,
    });
  }
  if (installer === 'pip' && /No matching distribution found for (\S+)/.test(output)) {
    const [, wheel] = /No matching distribution found for (\S+)/.exec(output) ?? [];
    return new SetupFailure(`pip finds no wheel of ${wheel} for this system and Python.`, {
      fix: `Use a current CPython and pip, or set SLUICE_REDIS_URL and SLUICE_MILVUS_ADDRESS to servers of your own. The log is ${setupLog}.`,
    });
  }
  if (NO_PERMISSION.test(output)) {
    return new SetupFailure(`${installer} may not write into the project folder.`, {
      fix: `Make ${root} yours (chown), or clone into a folder that you may write to. The log is ${setupLog}.`,
    });
  }
  const last = output.trim().split('\n').slice(-8).join('\n');
  return new SetupFailure(`${installer} failed:\n${last}`, {
    fix: `Read ${setupLog}, mend the cause, and run the command again.`,
  });
}
