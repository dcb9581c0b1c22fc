import { createInterface } from 'node:readline/promises';
import { SluiceError } from '@sluice/core';
import { openExistingLine } from '@sluice/line';
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
      !(await confirmed(`Delete the line ${name} with its ${count(rows)} rows, its queue and its ledger? [y/N] `))
    )
      return 1;
    await line.ledger.drop();
    await line.store.dropLine(name);
    process.stdout.write(`Dropped ${name}.\n`);
    return 0;
  });
}

async function confirmed(question: string): Promise<boolean> {
  if (process.stdin.isTTY !== true) {
    throw new SluiceError('bad_usage', {
      message: 'There is no terminal to ask on',
      fix: 'Add --yes if the deletion is meant.',
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}
