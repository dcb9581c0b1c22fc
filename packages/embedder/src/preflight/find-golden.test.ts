/** Where golden vectors are looked for, and whose are taken. */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig, silentLogger } from '@sluice/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveEngine } from '../resolve-engine.ts';
import { findGolden, goldenPath } from './find-golden.ts';

const known = fileURLToPath(new URL('../../../../test/fixtures/jina-v3-tiny/golden.json', import.meta.url));
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-golden-'));
});
afterEach(() => rm(folder, { recursive: true }));

const find = (values: Record<string, string> = {}) => {
  const { config } = loadConfig([
    {
      name: 'test',
      values: {
        SLUICE_ENGINE: 'onnx',
        SLUICE_MODEL: 'jina-v3-tiny',
        SLUICE_MODEL_REVISION: 'abc',
        SLUICE_FULL_DIMENSION: '64',
        SLUICE_HOME: folder,
        SLUICE_MODEL_DIR: join(folder, 'model'),
        ...values,
      },
    },
  ]);
  return findGolden(config, resolveEngine(config).space, silentLogger).then((golden) => golden?.model);
};

describe('golden vectors', () => {
  it('are found by model and revision, then beside the model, and not at all', async () => {
    expect(await find()).toBeUndefined();
    await mkdir(join(folder, 'model'));
    await cp(known, join(folder, 'model', 'golden.json'));
    expect(await find()).toBe('jina-v3-tiny');
    const kept = goldenPath(folder, { model: 'jina-v3-tiny', modelRevision: 'abc' });
    expect(kept).toBe(join(folder, 'golden', 'jina-v3-tiny', 'abc.json'));
    await mkdir(dirname(kept), { recursive: true });
    await cp(known, kept);
    await writeFile(join(folder, 'model', 'golden.json'), 'not read any more');
    expect(await find()).toBe('jina-v3-tiny');
    expect(await find({ SLUICE_MODEL_REVISION: 'another', SLUICE_MODEL_DIR: folder })).toBeUndefined();
  });

  it('of another model are left alone, unless they are named', async () => {
    await cp(known, join(folder, 'golden.json'));
    expect(await find({ SLUICE_MODEL_DIR: folder, SLUICE_MODEL: 'another' })).toBeUndefined();
    expect(await find({ SLUICE_GOLDEN: known, SLUICE_MODEL: 'another' })).toBe('jina-v3-tiny');
  });

  it('that are damaged are not passed over', async () => {
    await writeFile(join(folder, 'golden.json'), '{}');
    await expect(find({ SLUICE_MODEL_DIR: folder })).rejects.toMatchObject({
      code: 'bad_configuration',
      where: join(folder, 'golden.json'),
    });
  });

  it('are kept within the home, whatever a model is called', () => {
    for (const model of ['../../etc', '..', '/etc/x', 'a/../b'])
      expect(goldenPath('/home', { model, modelRevision: '..' })).toMatch(/^\/home\/golden\/[^/]+\/[^/]+\.json$/);
  });
});
