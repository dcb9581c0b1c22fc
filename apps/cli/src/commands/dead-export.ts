/**
 * `sluice dead export`: the one place where the text of a dead chunk is shown. Each chunk becomes a document of its own, in the
 * form that `sluice ingest -` reads; what it is a part of, and why it died, is in its metadata.
 */
import { openExistingLine, readDead } from '@sluice/line';
import { chunksOnly, type DeadOptions, deadSelection } from '../dead-selection.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(chunks: string[], options: DeadOptions): Promise<void> {
  const selection = deadSelection(chunksOnly(chunks), options);
  await runCommand('dead', options, async ({ config, logger, releaser }) => {
    const line = await openExistingLine(config, { logger, releaser });
    for await (const { job, code, reason, at } of readDead(line, selection)) {
      const { documentId, revision, ordinal, chunkCount, start, end, heading, run: of } = job;
      printJson({
        id: `${documentId}#${ordinal}`,
        text: job.text,
        ...(job.tenant !== undefined && { tenant: job.tenant }),
        metadata: {
          ...job.metadata,
          ...(heading.length > 0 && { heading }),
          dead: { document: documentId, revision, ordinal, chunkCount, start, end, run: of, code, reason, at },
        },
      });
    }
  });
}
