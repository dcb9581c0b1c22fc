import { documentKey } from '@sluice/core';
import { openExistingLine } from '@sluice/line';
import { green, yellow } from '../render/style.ts';
import { printable } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(ids: string[], options: { tenant?: string; json?: boolean; line?: string }): Promise<void> {
  await runCommand('delete', options, async ({ config, logger, releaser }) => {
    const line = await openExistingLine(config, { logger, releaser });
    const keys = ids.map((id) => documentKey({ line: line.name, tenant: options.tenant, id }));
    const states = await line.ledger.read(keys);
    const known = ids.map((id, index) => ({
      id,
      key: keys[index]!,
      known: states[index] !== undefined && states[index]!.state !== 'deleted',
    }));
    await line.ledger.remove(known.filter((entry) => entry.known).map(({ key }) => ({ key })));
    for (const { id, known: deleted } of known) {
      if (options.json === true) printJson({ id, deleted, ...(!deleted && { code: 'unknown_document' }) });
      else process.stdout.write(`${deleted ? green('deleted') : yellow('unknown')}  ${printable(id)}\n`);
    }
    if (options.json !== true && known.some((entry) => entry.known) && (await line.ledger.liveWorkers()).length === 0) {
      process.stderr.write('Their rows go when a worker runs: start one with `sluice worker`.\n');
    }
    return known.every((entry) => entry.known) ? 0 : 3;
  });
}
