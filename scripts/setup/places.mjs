/** Where things are. Everything that is installed lies in the project folder; nothing is written to HOME. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../apps/cli/bin/right-node.mjs';

export const root = projectRoot;
export const home = join(root, '.sluice');
export const venv = join(home, 'venv');
export const cache = join(home, 'cache');
export const setupLog = join(home, 'logs', 'setup.log');

/**
 * The environment of installers: their caches and stores in the project folder, whatever HOME is. What npm sets for the
 * scripts it runs would go to the npm that we run, so ours replace them in every spelling.
 * @param {NodeJS.ProcessEnv} [inherited]
 * @returns {NodeJS.ProcessEnv}
 */
export function installerEnvironment(inherited = process.env) {
  /** @type {Record<string, string>} */
  const ours = {
    npm_config_cache: join(cache, 'npm'),
    npm_config_store_dir: join(cache, 'pnpm'),
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    // An installer that cannot reach its registry says so within seconds.
    npm_config_fetch_retries: '2',
    npm_config_fetch_retry_mintimeout: '1000',
    npm_config_fetch_retry_maxtimeout: '5000',
    XDG_CACHE_HOME: join(cache, 'xdg'),
    XDG_DATA_HOME: join(cache, 'xdg-data'),
    XDG_STATE_HOME: join(cache, 'xdg-state'),
    PIP_CACHE_DIR: join(cache, 'pip'),
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PIP_NO_INPUT: '1',
    PYTHONDONTWRITEBYTECODE: '1',
    NODE_ENV: 'development',
    CI: 'true', // pnpm asks questions otherwise
  };
  const names = new Set(Object.keys(ours).map((name) => name.toLowerCase()));
  const kept = Object.entries(inherited).filter(([name]) => !names.has(name.toLowerCase()));
  return { ...Object.fromEntries(kept), ...ours };
}

export function makePlaces() {
  for (const folder of [cache, join(home, 'logs')]) mkdirSync(folder, { recursive: true });
}
