import { findDead, findRejected, openExistingLine, submissionName } from '@sluice/line';
import { chunkIdOf } from '@sluice/queue';
import { type DeadOptions, deadSelection } from '../dead-selection.ts';
import { openSubmissions } from '../open-submissions.ts';
import { dim } from '../render/style.ts';
import { table } from '../render/table.ts';
import { count, plural, printable, shorten } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

/** A table is for people: more rows than this are counted only. */
const LISTED = 200;

export async function run(options: DeadOptions): Promise<void> {
  await runCommand('dead', options, async ({ config, logger, releaser }) => {
    const line = await openExistingLine(config, { logger, releaser });
    const selection = deadSelection([], options);
    const rows: string[][] = [];
    let found = 0;
    const tell = (name: string, record: object, [document, ...cells]: string[], at: number): void => {
      found += 1;
      if (options.json === true) printJson(record);
      else if (found <= LISTED)
        rows.push([
          printable(name),
          shorten(printable(document!), 40),
          ...cells,
          new Date(at).toISOString().slice(0, 19).replace('T', ' '),
        ]);
    };
    for await (const letter of findDead(line, selection)) {
      const { documentId, ordinal, chunkCount, code, run: of = '', at } = letter;
      const chunk = chunkIdOf(letter);
      tell(chunk, { chunk, ...letter }, [documentId, `${ordinal + 1} of ${chunkCount}`, code, of], at);
    }
    for await (const rejected of findRejected(openSubmissions(line, releaser), selection)) {
      const { jobId, documentId = '', code, at } = rejected;
      const submission = submissionName({ jobId });
      tell(submission, { submission, ...rejected }, [documentId, 'not cut', code, ''], at);
    }
    if (options.json === true) return;
    if (found === 0) process.stdout.write(`${dim('No dead letters.')}\n`);
    else {
      process.stdout.write(
        `${table(rows, { head: ['chunk or submission', 'document', 'place', 'code', 'run', 'since (UTC)'] })}\n${found > LISTED ? `${dim(`… and ${count(found - LISTED)} more`)}\n` : ''}${dim(`${plural(found, 'dead letter')}. Next: npx sluice dead show CHUNK, then npx sluice dead retry or npx sluice dead drop.`)}\n`,
      );
    }
  });
}
