import { SluiceError } from '@sluice/core';
import { openExistingLine } from '@sluice/line';
import { openSubmissionQueue } from '@sluice/queue';
import { confirmed } from '../confirm.ts';
import { count } from '../render/words.ts';
import { runCommand } from '../run-command.ts';

export async function run(name: string, options: { yes?: boolean; line?: string }): Promise<void> {
  await runCommand('lines', { line: name }, async ({ config, logger, releaser }) => {
    const line = await openExistingLine(config, { logger, releaser });
    const rows = await line.store.countRows(line.info.collection);
    const workers = await line.ledger.liveWorkers();
    if (workers.length > 0) {
      throw new SluiceError('bad_usage', {
        message: `The line ${name} is being worked on`,
        got: `${workers.length} live workers`,
        fix: 'Stop its workers first.',
      });
    }
    if (
      options.yes !== true &&
      !(await confirmed(`Delete the line ${name} with its ${count(rows)} rows, its queues and its ledger? [y/N] `))
    )
      return 1;
    const submissions = openSubmissionQueue(line.redis, name);
    releaser.push('the submission queue', () => submissions.close());
    await submissions.drop();
    // A source's root is the line's, not the collection's: whoever makes the line anew may read from elsewhere.
    await line.sources.forget();
    await line.ledger.drop();
    await line.store.dropLine(name);
    process.stdout.write(`Dropped ${name}.\n`);
    return 0;
  });
}
