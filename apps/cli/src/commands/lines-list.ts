import { verdictOf } from '@sluice/core';
import { openStore } from '@sluice/line';
import { dim } from '../render/style.ts';
import { table } from '../render/table.ts';
import { count } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(options: { json?: boolean; line?: string }): Promise<void> {
  await runCommand('lines', options, async ({ config, logger, releaser }) => {
    const store = await openStore(config, { logger, releaser });
    // A line that is being made or dropped by another process just now cannot be counted; it is listed without its rows.
    const lines = await Promise.all(
      (await store.listLines()).map(async (info) => {
        const rows = await store.countRows(info.collection).catch((error: unknown) => {
          if (verdictOf(error) === 'retry') throw error;
          return undefined;
        });
        return { ...info, ...(rows !== undefined && { rows }) };
      }),
    );
    if (options.json === true) return lines.forEach(printJson);
    if (lines.length === 0) process.stdout.write(`${dim('No lines yet. The first `npx sluice ingest` makes one.')}\n`);
    else {
      process.stdout.write(
        `${table(
          lines.map(({ line, rows, space, collection }) => [
            line,
            rows === undefined ? '–' : count(rows),
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
