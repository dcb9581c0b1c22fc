/** `sluice golden record`: vectors of known texts from an engine that is trusted, for preflight to compare others with. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { SluiceError } from '@sluice/core';
import { createEngine, parseGolden, preflight, recordGolden, refuseUnlessRight, resolveEngine } from '@sluice/embedder';
import { dim, yellow } from '../render/style.ts';
import { plural } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(options: { engineUrl?: string; out: string; json?: boolean; line?: string }): Promise<void> {
  const flags = options.engineUrl === undefined ? {} : { SLUICE_ENGINE_URL: options.engineUrl };
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
      await writeFile(options.out, json).catch((cause: unknown) => {
        throw new SluiceError('bad_usage', {
          message: 'The file cannot be written',
          where: `--out ${options.out}`,
          fix: 'Name a file in a folder that is there and may be written.',
          cause,
        });
      });
      const recorded = { file: resolve(options.out), model, revision, dimension, variants: Object.keys(variants) };
      if (options.json === true) return printJson({ ...recorded, texts: texts.length });
      process.stdout.write(
        `${plural(texts.length, 'text')}, ${recorded.variants.join(', ')}, of ${model} at ${revision ?? 'no revision'}: ${options.out}\n`,
      );
      if (revision === 'unpinned') {
        process.stderr.write(
          `${yellow('No revision is named, so vectors of any revision will be compared with these: set SLUICE_MODEL_REVISION.')}\n`,
        );
      }
      process.stderr.write(`${dim(`SLUICE_GOLDEN=${recorded.file} makes preflight compare engines with it.`)}\n`);
    },
    flags,
  );
}
