/**
 * The golden vectors that an engine is compared with: those that SLUICE_GOLDEN names; else, by model and revision, those that
 * `sluice golden record` keeps, or those beside the model of an in-process engine (merge-adapter writes them there).
 */
import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Config, Logger, Space } from '@sluice/core';
import { type GoldenFile, readGolden } from './golden.ts';

/** Where golden vectors of a model are kept. `home`: SLUICE_HOME, absolute. */
export function goldenPath(home: string, { model, modelRevision }: Pick<Space, 'model' | 'modelRevision'>): string {
  return join(home, 'golden', asName(model), `${asName(modelRevision)}.json`);
}

/**
 * Undefined when there are none. Throws `bad_configuration` when a file is damaged, or when the one that is named cannot be read; whether that
 * one is of this model, preflight says. One that was only found and is of another model is left alone.
 */
export async function findGolden(
  config: Pick<Config, 'SLUICE_GOLDEN' | 'SLUICE_HOME' | 'SLUICE_MODEL_DIR'>,
  space: Space,
  logger: Logger,
): Promise<GoldenFile | undefined> {
  if (config.SLUICE_GOLDEN !== undefined) return readGolden(config.SLUICE_GOLDEN);
  const places = [
    goldenPath(resolve(config.SLUICE_HOME), space),
    ...(config.SLUICE_MODEL_DIR === undefined ? [] : [join(config.SLUICE_MODEL_DIR, 'golden.json')]),
  ];
  for (const path of places) {
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (!there) continue;
    const golden = await readGolden(path, path);
    if (isOf(golden, space)) return golden;
    logger.warn({ path, model: golden.model, revision: golden.revision }, 'golden vectors of another model: not used');
  }
  return undefined;
}

export function isOf({ model, revision, dimension }: GoldenFile, space: Space): boolean {
  return (
    model === space.model &&
    dimension === space.fullDimension &&
    (revision ?? space.modelRevision) === space.modelRevision
  );
}

/** `owner/name` as one name of a folder, as the hub's downloads are kept. */
function asName(name: string): string {
  return name
    .replaceAll('/', '--')
    .replace(/[^\w.-]/g, '_')
    .replace(/^\.+/, '_');
}
