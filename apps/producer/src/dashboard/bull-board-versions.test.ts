import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test('every part of Bull Board is of one exact version: they talk to each other in a form of their own', () => {
  const { dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const versions = Object.entries<string>(dependencies).filter(([name]) => name.startsWith('@bull-board/'));
  expect(versions.length).toBeGreaterThan(2);
  expect(new Set(versions.map(([, version]) => version)).size).toBe(1);
  expect(versions[0]![1]).toMatch(/^\d+\.\d+\.\d+$/);
});
