import { createEngine } from '@sluice/embedder';
import { openExistingLine, planLine, queryLine } from '@sluice/line';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import { renderHits } from '../render/hits.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(
  text: string,
  options: { hits: number; tenant?: string; json?: boolean; line?: string },
): Promise<void> {
  await runCommand('query', options, async ({ config, logger, releaser, signal }) => {
    const line = await openExistingLine(config, { logger, releaser });
    const plan = await planLine(config);
    line.store.requireSpace(line.info, plan.space);
    const engine = await createEngine(config, { logger });
    releaser.push('the engine', () => engine.close());
    const tokenizer = createTokenizer(await loadTokenizerModel(config.SLUICE_TOKENIZER));
    const hits = await queryLine(line, engine, text, {
      k: options.hits,
      tokens: tokenizer.count(text) + tokenizer.specialTokens,
      signal,
      ...(options.tenant !== undefined && { tenant: options.tenant }),
    });
    if (options.json === true) for (const hit of hits) printJson(hit);
    else process.stdout.write(`${renderHits(hits)}\n`);
  });
}
