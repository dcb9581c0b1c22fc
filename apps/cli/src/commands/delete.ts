import { documentKey } from '@sluice/core';
import { openExistingLine } from '@sluice/line';
import { green, yellow } from '../render/style.ts';
import { printable } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(ids: string[], options: { tenant?: string; json?: boolean; line?: string }): Promise<void> {
  await runCommand('delete', options, async ({ config, logger, releaser }) => {
    const line = await openExistingLine(config, { logger, releaser });
    const keys = ids.map((id) => documentKey({ line: line.name, tenant: options.tenant, id }));
    // The ledger alone can tell: what is handed in and not accepted yet must not come after its delete.
    const answers = await line.ledger.remove(keys.map((key) => ({ key })));
    const known = answers.map(({ answer }) => answer === 'deleted');
    for (const [index, id] of ids.entries()) {
      const deleted = known[index]!;
      if (options.json === true) printJson({ id, deleted, ...(!deleted && { code: 'unknown_document' }) });
      else process.stdout.write(`${deleted ? green('deleted') : yellow('unknown')}  ${printable(id)}\n`);
    }
    if (options.json !== true && known.includes(true) && (await line.ledger.liveWorkers()).length === 0) {
      process.stderr.write('Their rows go when a worker runs: start one with `npx sluice worker`.\n');
    }
    return known.every(Boolean) ? 0 : 3;
  });
}
