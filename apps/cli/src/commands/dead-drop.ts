import { dropDead, findDead, findRejected, openExistingLine } from '@sluice/line';
import { confirmed } from '../confirm.ts';
import { chosenDead, type DeadOptions } from '../dead-selection.ts';
import { openSubmissions } from '../open-submissions.ts';
import { dim, yellow } from '../render/style.ts';
import { plural } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(chunks: string[], options: DeadOptions): Promise<void> {
  const selection = chosenDead(chunks, options);
  await runCommand('dead', options, async ({ config, logger, releaser }) => {
    const line = await openExistingLine(config, { logger, releaser });
    const documents = new Set<string>();
    for await (const { key } of findDead(line, selection)) documents.add(key);
    const submissions = openSubmissions(line, releaser);
    const rejected: string[] = [];
    for await (const { jobId } of findRejected(submissions, selection)) rejected.push(jobId);
    const found = documents.size + rejected.length;
    const asked = `Give up the latest revision of ${plural(documents.size, 'document')} (one without an older revision is deleted) and remove ${plural(rejected.length, 'rejected submission')}? [y/N] `;
    if (found > 0 && options.yes !== true && !(await confirmed(asked))) return 1;
    const dropped = { ...(await dropDead(line, selection)), removed: await submissions.removeRejected(rejected) };
    if (options.json === true) printJson(dropped);
    else if (found === 0) process.stdout.write(`${dim('No dead letters.')}\n`);
    else {
      process.stdout.write(
        `${yellow('Dropped')}: ${plural(dropped.restored, 'document')} back to the older revision, ${plural(dropped.deleted, 'document')} deleted, ${plural(dropped.removed, 'rejected submission')} removed.\n`,
      );
    }
    if (dropped.restored + dropped.deleted > 0 && (await line.ledger.liveWorkers()).length === 0)
      process.stderr.write('Their rows go when a worker runs: start one with `npx sluice worker`.\n');
    return 0;
  });
}
