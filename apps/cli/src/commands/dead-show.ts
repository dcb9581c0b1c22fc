/** `sluice dead show`: everything that is known of dead letters and rejected submissions but their text. */
import { type ErrorCode, errorCodes } from '@sluice/core';
import { findDead, findRejected, openExistingLine, submissionName } from '@sluice/line';
import { chunkIdOf, type DeadLetter, type RejectedSubmission } from '@sluice/queue';
import { type DeadOptions, deadSelection } from '../dead-selection.ts';
import { openSubmissions } from '../open-submissions.ts';
import { bold, dim } from '../render/style.ts';
import { table } from '../render/table.ts';
import { count, printable } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(chunks: string[], options: DeadOptions): Promise<void> {
  await runCommand('dead', options, async ({ config, logger, releaser }) => {
    const line = await openExistingLine(config, { logger, releaser });
    const selection = deadSelection(chunks, options);
    let found = 0;
    const tell = (name: string, record: object, code: string, rows: string[][]): void => {
      found += 1;
      const fix = fixOf(code);
      if (options.json === true) printJson({ ...record, ...(fix !== undefined && { fix }) });
      else process.stdout.write(`${rendered(printable(name), [...rows, ['fix', fix ?? '']])}\n`);
    };
    for await (const letter of findDead(line, selection)) {
      const chunk = chunkIdOf(letter);
      tell(chunk, { chunk, ...letter }, letter.code, rowsOfChunk(letter));
    }
    for await (const rejected of findRejected(openSubmissions(line, releaser), selection)) {
      const submission = submissionName(rejected);
      tell(submission, { submission, ...rejected }, rejected.code, rowsOfSubmission(rejected));
    }
    if (found === 0 && options.json !== true) process.stdout.write(`${dim('No dead letters.')}\n`);
  });
}

function rowsOfChunk(letter: DeadLetter): string[][] {
  return [
    ['document', printable(letter.documentId)],
    ['tenant', printable(letter.tenant ?? '')],
    ['revision', letter.revision],
    ['chunk', `${letter.ordinal + 1} of ${letter.chunkCount}, ${count(letter.tokens)} tokens`],
    ['run', letter.run ?? ''],
    ['since', new Date(letter.at).toISOString()],
    ['attempts', `${count(letter.attempts)}, the last by ${printable(letter.worker)}`],
    ['code', letter.code],
    ['reason', printable(letter.reason)],
  ];
}

function rowsOfSubmission({ documentId = '', tenant = '', at, code, reason }: RejectedSubmission): string[][] {
  return [
    ['document', printable(documentId)],
    ['tenant', printable(tenant)],
    ['since', new Date(at).toISOString()],
    ['code', code],
    ['reason', printable(reason)],
  ];
}

function rendered(name: string, rows: string[][]): string {
  return `${bold(name)}\n${table(rows.filter(([, value]) => value !== ''))}\n`;
}

/** A letter may be of another version of Sluice, with a code that this one does not know. */
function fixOf(code: string): string | undefined {
  return code in errorCodes ? errorCodes[code as ErrorCode].fix : undefined;
}
