/** `sluice chunk`: reads files as ingest does and shows how they are cut. */
import { chunksPage, createChunker } from '@sluice/chunker';
import { embeddedText, totalTokens } from '@sluice/core';
import { planLine } from '@sluice/line';
import { readDocuments, readOptions, resolveInputs } from '@sluice/producer';
import { createTokenizer, loadTokenizerModel } from '@sluice/tokenizer';
import { bold, dim, red } from '../render/style.ts';
import { table } from '../render/table.ts';
import { count, printable, shorten } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(files: string[], options: { json?: boolean; html?: boolean; line?: string }): Promise<void> {
  await runCommand('chunk', options, async ({ config }) => {
    const { limits } = await planLine(config);
    const chunker = createChunker(createTokenizer(await loadTokenizerModel(config.SLUICE_TOKENIZER)), limits);
    const read = readOptions({ stdin: process.stdin }, config);
    let failed = false;
    /** One page, however many files. */
    let begun = false;
    for await (const item of readDocuments(await resolveInputs(files), read)) {
      if (item.type !== 'document') {
        failed = true;
        process.stderr.write(
          `${red(item.type)} ${printable(item.fault.where)}  ${item.fault.code}: ${item.fault.message}. ${dim(item.fault.fix)}\n`,
        );
        continue;
      }
      const cut = chunker.cut(item.document);
      if (options.html === true) {
        if (!begun) process.stdout.write(chunksPage.head(files.join(', ')));
        begun = true;
        process.stdout.write(chunksPage.file(item.where, cut));
      } else if (options.json === true) {
        for (const chunk of cut.chunks) {
          const { ordinal, start, end, startByte, endByte, text, heading, tokens } = chunk;
          printJson({
            file: item.where,
            ordinal,
            start,
            end,
            startByte,
            endByte,
            text,
            embeddedText: embeddedText(chunk),
            heading,
            tokens,
          });
        }
      } else {
        const width = Math.max(20, (process.stdout.columns ?? 80) - 40);
        process.stdout.write(
          `${bold(printable(item.where))}  ${dim(`${count(cut.chunks.length)} chunks, ${count(cut.chunks.reduce((sum, chunk) => sum + totalTokens(chunk.tokens), 0))} tokens`)}\n${table(
            cut.chunks.map((chunk) => [
              count(chunk.ordinal),
              count(totalTokens(chunk.tokens)),
              `${count(chunk.start)}–${count(chunk.end)}`,
              shorten(printable(chunk.heading.join(' › ') || chunk.text.trimStart()), width),
            ]),
            { head: ['#', 'tokens', 'place', 'heading'], right: [0, 1] },
          )}\n`,
        );
      }
    }
    if (begun) process.stdout.write(chunksPage.foot);
    return failed ? 3 : 0;
  });
}
