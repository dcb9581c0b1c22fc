import { findDead, openExistingLine } from '@sluice/line';
import { chunkIdOf } from '@sluice/queue';
import { type DeadOptions, deadSelection } from '../dead-selection.ts';
import { dim } from '../render/style.ts';
import { table } from '../render/table.ts';
import { count, plural, printable, shorten } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

/** A table is for people: more rows than this are counted only. */
const LISTED = 200;

export async function run(options: DeadOptions): Promise<void> {
  await runCommand('dead', options, async ({ config, logger, releaser }) => {
    const line = await openExistingLine(config, { logger, releaser });
    const rows: string[][] = [];
    let found = 0;
    for await (const letter of findDead(line, deadSelection([], options))) {
      found += 1;
      const chunk = chunkIdOf(letter);
      if (options.json === true) printJson({ chunk, ...letter });
      else if (found <= LISTED)
        rows.push([
          chunk,
          shorten(printable(letter.documentId), 40),
          `${letter.ordinal + 1} of ${letter.chunkCount}`,
          letter.code,
          letter.run ?? '',
          new Date(letter.at).toISOString().slice(0, 19).replace('T', ' '),
        ]);
    }
    if (options.json === true) return;
    if (found === 0) process.stdout.write(`${dim('No dead letters.')}\n`);
    else {
      process.stdout.write(
        `${table(rows, { head: ['chunk', 'document', 'place', 'code', 'run', 'since (UTC)'] })}\n${found > LISTED ? `${dim(`… and ${count(found - LISTED)} more`)}\n` : ''}${dim(`${plural(found, 'dead letter')}. Next: sluice dead show CHUNK, then sluice dead retry or sluice dead drop.`)}\n`,
      );
    }
  });
}
