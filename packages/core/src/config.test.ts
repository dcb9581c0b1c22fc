import { describe, expect, test } from 'vitest';
import { loadConfig, printableConfig } from './config.ts';

const load = (values: Record<string, string>, file = '') => loadConfig([{ name: 'environment', values }], () => file);

describe('loading configuration', () => {
  test('an empty environment gives the defaults', () => {
    const { config, origin } = load({});
    expect(config.SLUICE_LINE).toBe('main');
    expect(config.SLUICE_BATCH_TOKENS).toBe(16_384);
    expect(config.SLUICE_REDIS_URL).toBeUndefined();
    expect(origin.SLUICE_LINE).toBe('default');
  });

  test('every problem is reported at once, with name, expected and got', () => {
    const broken = () => load({ SLUICE_TARGET_TOKENS: 'many', SLUICE_REDIS_URL: 'http://x', SLUICE_TARGT_TOKENS: '1' });
    expect(broken).toThrow(/SLUICE_TARGET_TOKENS \(environment\): expected tokens, got "many"/);
    expect(broken).toThrow(/SLUICE_REDIS_URL \(environment\): expected redis:\/\/ or rediss:\/\/ URL/);
    expect(broken).toThrow(/SLUICE_TARGT_TOKENS \(environment\): no such setting; SLUICE_TARGET_TOKENS was meant\?/);
  });

  test('stronger sources win and the origin says so', () => {
    const { config, origin } = loadConfig([
      { name: 'command line', values: { SLUICE_LINE: 'a' } },
      { name: 'environment', values: { SLUICE_LINE: 'b', SLUICE_IN_FLIGHT: '3' } },
    ]);
    expect([config.SLUICE_LINE, origin.SLUICE_LINE]).toEqual(['a', 'command line']);
    expect([config.SLUICE_IN_FLIGHT, origin.SLUICE_IN_FLIGHT]).toEqual([3, 'environment']);
  });

  test('secrets come from files and are never printed, not even when they are wrong', () => {
    const loaded = load({ SLUICE_MILVUS_PASSWORD_FILE: '/run/secrets/milvus' }, 'canary-secret\n');
    expect(loaded.config.SLUICE_MILVUS_PASSWORD).toBe('canary-secret');
    expect(JSON.stringify(printableConfig(loaded))).not.toContain('canary-secret');
    expect(() => load({ SLUICE_REDIS_URL: 'canary-secret' })).toThrow(/^(?!.*canary-secret)/s);
  });

  test('only secrets may come from files', () => {
    expect(() => load({ SLUICE_LINE_FILE: '/x' })).toThrow(/SLUICE_LINE_FILE .*no such setting/);
  });

  test('an address is printed without the name and password in it', () => {
    const loaded = load({ SLUICE_ENGINE_URL: 'https://me:canary-secret@gpu:8080/v1' });
    expect(printableConfig(loaded).find(({ name }) => name === 'SLUICE_ENGINE_URL')?.value).toBe(
      'https://***@gpu:8080/v1',
    );
    expect(() => load({ SLUICE_ENGINE_URL: 'ftp://me:canary-secret@gpu' })).toThrow(/^(?!.*canary-secret)/s);
  });

  test('a Milvus on this machine may keep the password that it begins with', () => {
    const values = { SLUICE_MILVUS_PASSWORD: 'Milvus', SLUICE_MILVUS_ADDRESS: '127.0.0.1:19530' };
    expect(load(values).config.SLUICE_MILVUS_PASSWORD).toBe('Milvus');
  });

  test.each([
    [{ SLUICE_MILVUS_TOKEN: 't', SLUICE_MILVUS_PASSWORD: 'p' }, /either a token or a password/],
    [{ SLUICE_MILVUS_PASSWORD: 'Milvus', SLUICE_MILVUS_ADDRESS: 'milvus:19530' }, /a password of your own/],
    [{ SLUICE_MILVUS_TOKEN: 'root:Milvus', SLUICE_MILVUS_ADDRESS: 'https://milvus' }, /a password of your own/],
  ])('settings that contradict each other are refused: %o', (values, message) => {
    expect(() => load(values)).toThrow(message);
  });
});
