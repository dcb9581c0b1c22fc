/** What doctor says of a Redis that every other command refuses. */
import { expect, test } from 'vitest';
import { startValkey } from '../support/valkey.ts';
import { createSluice } from './sluice.ts';

interface Checks {
  exitCode: number;
  checks: { part: string; name: string; status: string; fix?: string }[];
}

test('a Redis that evicts and keeps no AOF fails in doctor as it does everywhere, unless it is allowed', async () => {
  const valkey = await startValkey(['--maxmemory-policy', 'allkeys-lru', '--appendonly', 'no']);
  try {
    const redis = { SLUICE_REDIS_URL: valkey.url };
    const sluice = createSluice('test-unsafe-redis', redis);
    const refused = await sluice.run(['ingest', '-', '--no-wait'], '{"id":"a","text":"a"}\n');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('queue_unsafe')]);

    const told = await sluice.run(['doctor', '--json']);
    const { checks, exitCode } = told.lines[0] as unknown as Checks;
    expect([told.code, exitCode]).toEqual([3, 3]);
    for (const name of ['eviction', 'persistence'])
      expect(checks).toContainEqual(
        expect.objectContaining({ part: 'redis', name, status: 'fail', fix: expect.any(String) }),
      );

    const allowed = await createSluice('test-unsafe-redis', { ...redis, SLUICE_ALLOW_UNSAFE_REDIS: 'true' }).run([
      'doctor',
      '--json',
    ]);
    const softened = (allowed.lines[0] as unknown as Checks).checks;
    expect(softened).toContainEqual(expect.objectContaining({ part: 'redis', name: 'eviction', status: 'warn' }));
    expect(softened.filter(({ part, status }) => part === 'redis' && status === 'fail')).toEqual([]);
  } finally {
    await valkey.stop();
  }
});
