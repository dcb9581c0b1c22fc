/** `sluice dead show`: everything that is known of dead letters but their text. */
import { type ErrorCode, errorCodes } from '@sluice/core';
import { findDead, openExistingLine } from '@sluice/line';
import { chunkIdOf, type DeadLetter } from '@sluice/queue';
import { type DeadOptions, deadSelection } from '../dead-selection.ts';
import { bold, dim } from '../render/style.ts';
import { table } from '../render/table.ts';
import { count, printable } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(chunks: string[], options: DeadOptions): Promise<void> {
  await runCommand('dead', options, async ({ config, logger, releaser }) => {
    const line = await openExistingLine(config, { logger, releaser });
    let found = 0;
    for await (const letter of findDead(line, deadSelection(chunks, options))) {
      found += 1;
      const chunk = chunkIdOf(letter);
      const fix = fixOf(letter.code);
      if (options.json === true) printJson({ chunk, ...letter, ...(fix !== undefined && { fix }) });
      else process.stdout.write(`${rendered(chunk, letter, fix)}\n`);
    }
    if (found === 0 && options.json !== true) process.stdout.write(`${dim('No dead letters.')}\n`);
  });
}

function rendered(chunk: string, letter: DeadLetter, fix: string | undefined): string {
  const rows = [
    ['document', printable(letter.documentId)],
    ['tenant', printable(letter.tenant ?? '')],
    ['revision', letter.revision],
    ['chunk', `${letter.ordinal + 1} of ${letter.chunkCount}, ${count(letter.tokens)} tokens`],
    ['run', letter.run ?? ''],
    ['since', new Date(letter.at).toISOString()],
    ['attempts', `${count(letter.attempts)}, the last by ${printable(letter.worker)}`],
    ['code', letter.code],
    ['reason', printable(letter.reason)],
    ['fix', fix ?? ''],
  ];
  return `${bold(chunk)}\n${table(rows.filter(([, value]) => value !== ''))}\n`;
}

/** A letter may be of another version of Sluice, with a code that this one does not know. */
function fixOf(code: string): string | undefined {
  return code in errorCodes ? errorCodes[code as ErrorCode].fix : undefined;
}
