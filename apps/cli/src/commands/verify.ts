import { type Fault, openExistingLine, planSpace, verifyLine } from '@sluice/line';
import { renderFaults, renderVerified } from '../render/verify.ts';
import { printJson, runCommand } from '../run-command.ts';

/** A table is for people: more faults than this are counted only. */
const LISTED = 200;

export async function run(options: { repair?: boolean; json?: boolean; line?: string }): Promise<void> {
  await runCommand('verify', options, async ({ config, logger, releaser }) => {
    const line = await openExistingLine(config, { logger, releaser });
    const faults: Fault[] = [];
    const summary = await verifyLine(line, {
      space: planSpace(config).space,
      repair: options.repair === true,
      onFault(fault) {
        if (options.json === true) printJson({ type: 'fault', ...fault });
        else if (faults.length < LISTED) faults.push(fault);
      },
    });
    if (options.json === true) printJson({ type: 'summary', ...summary });
    else process.stdout.write(`${renderFaults(faults)}${renderVerified(summary, options.repair === true)}\n`);
    return summary.left > 0 ? 3 : 0;
  });
}
