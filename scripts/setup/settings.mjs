/** Which servers are named by a setting, in the environment or in `.env`: those need no wheel. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './places.mjs';

/** @param {NodeJS.ProcessEnv} [environment] @param {() => string} [readFile] */
export function neededServers(environment = process.env, readFile = readDotEnv) {
  const file = readFile();
  const isSet = (/** @type {string} */ name) =>
    (environment[name] ?? '') !== '' || new RegExp(`^\\s*(?:export\\s+)?${name}\\s*=\\s*[^\\s#]`, 'm').test(file);
  const isNamed = (/** @type {string} */ name) => isSet(name) || isSet(`${name}_FILE`);
  return { queue: !isNamed('SLUICE_REDIS_URL'), store: !isNamed('SLUICE_MILVUS_ADDRESS') };
}

function readDotEnv() {
  try {
    return readFileSync(join(root, '.env'), 'utf8');
  } catch {
    return '';
  }
}
