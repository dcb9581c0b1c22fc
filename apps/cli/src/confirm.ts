/** Asks before something is deleted. Throws `bad_usage` where there is no terminal to ask on. */
import { createInterface } from 'node:readline/promises';
import { SluiceError } from '@sluice/core';

export async function confirmed(question: string): Promise<boolean> {
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
