import { expect, test } from 'vitest';
import { missingServers, thisHost } from './platform-support.mjs';

test.each([
  ['linux', 'x64', '2.36'],
  ['linux', 'arm64', '2.28'],
  ['linux', 'x64', '3.0'],
  ['darwin', 'arm64', undefined],
  ['darwin', 'x64', undefined],
])('%s on %s with glibc %s has every server', (platform, arch, glibc) => {
  expect(missingServers({ platform, arch, glibc })).toEqual([]);
});

test.each([
  ['win32', 'x64', undefined, 'Windows'],
  ['linux', 'x64', undefined, 'musl'],
  ['linux', 'x64', '2.17', 'glibc 2.17 (it needs 2.28)'],
  ['linux', 'riscv64', '2.36', 'linux on riscv64'],
  ['freebsd', 'x64', undefined, 'freebsd on x64'],
])('%s on %s with glibc %s says which parts have none, why, and the settings instead', (platform, arch, glibc, why) => {
  const missing = missingServers({ platform, arch, glibc });
  expect(missing.map(({ setting }) => setting)).toEqual(['SLUICE_REDIS_URL', 'SLUICE_MILVUS_ADDRESS']);
  for (const part of missing) expect(part.why).toContain(why);
});

test('this machine is known', () => {
  expect(thisHost()).toMatchObject({ platform: process.platform, arch: process.arch });
});
