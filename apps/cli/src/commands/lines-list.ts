import { openStore } from '@sluice/line';
import { dim } from '../render/style.ts';
import { table } from '../render/table.ts';
import { count } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(options: { json?: boolean; line?: string }): Promise<void> {
  await runCommand('lines', options, async ({ config, logger, releaser }) => {
    const store = await openStore(config, { logger, releaser });
    const lines = await Promise.all(
      (await store.listLines()).map(async (info) => ({ ...info, rows: await store.countRows(info.collection) })),
    );
    if (options.json === true) return lines.forEach(printJson);
    if (lines.length === 0) process.stdout.write(`${dim('No lines yet. The first `sluice ingest` makes one.')}\n`);
    else {
      process.stdout.write(
        `${table(
          lines.map(({ line, rows, space, collection }) => [
            line,
            count(rows),
            space.model,
            `${space.storedDimension} of ${space.fullDimension}`,
            dim(collection),
          ]),
          { head: ['line', 'rows', 'model', 'dimension', 'collection'], right: [1] },
        )}\n`,
      );
    }
  });
}
