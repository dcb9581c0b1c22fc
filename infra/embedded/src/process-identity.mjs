/**
 * Tells a process from a later one with the same pid: pid plus the time it started. Plain JavaScript without dependencies,
 * because the bootstrap runs it before anything is installed.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * An opaque text that no other process has had since the machine was switched on; undefined when no such process runs.
 * Linux: boot id and start tick (/proc, field 22 of stat). macOS: what `ps` calls lstart. Elsewhere only the pid is
 * known, so a reused pid looks like the old process.
 * @param {number} pid
 * @returns {string | undefined}
 */
export function processIdentity(pid) {
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      return `${boot}:${fields[19]}`;
    } catch {
      return undefined;
    }
  }
  if (process.platform === 'darwin') {
    try {
      const [state, ...started] = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], { encoding: 'utf8' })
        .trim()
        .split(/\s+/);
      return state === undefined || state.startsWith('Z') ? undefined : started.join(' ');
    } catch {
      return undefined;
    }
  }
  try {
    process.kill(pid, 0);
    return 'alive';
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM' ? 'alive' : undefined;
  }
}

/**
 * @param {{ pid: number, identity: string }} recorded
 * @returns {boolean} whether the very process that was recorded still runs
 */
export function isSameProcess({ pid, identity }) {
  return processIdentity(pid) === identity;
}
