/** `sluice golden record`: vectors of known texts from an engine that is trusted, for preflight to compare others with. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SluiceError } from '@sluice/core';
import {
  createEngine,
  goldenPath,
  parseGolden,
  preflight,
  recordGolden,
  refuseUnlessRight,
  resolveEngine,
} from '@sluice/embedder';
import { dim, yellow } from '../render/style.ts';
import { plural } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(options: {
  engine?: string;
  engineUrl?: string;
  out?: string;
  json?: boolean;
  line?: string;
}): Promise<void> {
  const url = options.engine ?? options.engineUrl;
  const flags = url === undefined ? {} : { SLUICE_ENGINE_URL: url };
  await runCommand(
    'golden',
    options,
    async ({ config, logger, releaser, signal }) => {
      const resolved = resolveEngine(config);
      const engine = await createEngine(config, { logger });
      releaser.push('the engine', () => engine.close());
      // An engine that is seen to be wrong must not become the measure of others. That it is right, its owner says.
      refuseUnlessRight(await preflight(engine, resolved, { signal }), { acceptUnproven: true });
      const json = await recordGolden(engine, resolved);
      const { model, revision, dimension, variants, texts } = parseGolden(json, engine.where);
      const out = options.out ?? goldenPath(config.SLUICE_HOME, resolved.space);
      if (options.out === undefined) await mkdir(dirname(out), { recursive: true });
      await writeFile(out, json).catch((cause: unknown) => {
        throw new SluiceError('bad_usage', {
          message: 'The file cannot be written',
          where: `--out ${out}`,
          fix: 'Name a file in a folder that is there and may be written.',
          cause,
        });
      });
      const recorded = { file: resolve(out), model, revision, dimension, variants: Object.keys(variants) };
      if (options.json === true) return printJson({ ...recorded, texts: texts.length });
      process.stdout.write(
        `${plural(texts.length, 'text')}, ${recorded.variants.join(', ')}, of ${model} at ${revision ?? 'no revision'}: ${out}\n`,
      );
      if (revision === 'unpinned') {
        process.stderr.write(
          `${yellow('No revision is named, so vectors of any revision will be compared with these: set SLUICE_MODEL_REVISION.')}\n`,
        );
      }
      const how =
        options.out === undefined
          ? 'From here on preflight compares engines of this model and revision with it.'
          : `SLUICE_GOLDEN=${recorded.file} makes preflight compare engines with it.`;
      process.stderr.write(`${dim(how)}\n`);
    },
    flags,
  );
}
