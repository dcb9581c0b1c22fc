import { openExistingLine, openQueryEngine, planSpace, queryLine } from '@sluice/line';
import { renderHits } from '../render/hits.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(
  text: string,
  options: { hits: number; tenant?: string; json?: boolean; line?: string },
): Promise<void> {
  await runCommand('query', options, async ({ config, logger, releaser, signal }) => {
    const line = await openExistingLine(config, { logger, releaser });
    line.store.requireSpace(line.info, planSpace(config).space);
    const engine = await openQueryEngine(line, { config, logger, signal });
    releaser.push('the engine', () => engine.close());
    const hits = await queryLine(line, engine, text, {
      k: options.hits,
      signal,
      ...(options.tenant !== undefined && { tenant: options.tenant }),
    });
    if (options.json === true) for (const hit of hits) printJson(hit);
    else process.stdout.write(`${renderHits(hits)}\n`);
  });
}
