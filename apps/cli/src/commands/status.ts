/** `sluice status`: what the line holds, what waits, who works, and when it will be done. */
import { openExistingLine } from '@sluice/line';
import { bold, dim, green, red, yellow } from '../render/style.ts';
import { table } from '../render/table.ts';
import { approx, count, duration, plural, printable } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(options: { json?: boolean; line?: string }): Promise<void> {
  await runCommand('status', options, async ({ config, logger, releaser }) => {
    const line = await openExistingLine(config, { logger, releaser });
    const [documents, workers, jobs, statistics, rows, paused] = await Promise.all([
      line.ledger.counts(),
      line.ledger.liveWorkers(),
      line.queue.counts(),
      line.ledger.statistics(),
      line.store.countRows(line.info.collection),
      line.ledger.paused(),
    ]);
    const status = {
      line: line.name,
      ...(paused !== undefined && { paused }),
      collection: line.info.collection,
      space: line.info.space,
      documents,
      rows,
      backlogTokens: statistics.backlogTokens,
      jobs,
      tokensPerSecond: statistics.tokensPerSecond,
      ...(statistics.tokensPerSecond > 0 &&
        statistics.backlogTokens > 0 && {
          etaSeconds: Math.round(statistics.backlogTokens / statistics.tokensPerSecond),
        }),
      workers: workers.map(({ id, host, pid, held, outage }) => ({
        id,
        host,
        pid,
        held,
        ...(outage !== undefined && { outage }),
      })),
    };
    if (options.json === true) return printJson(status);
    const { space } = status;
    process.stdout.write(
      `${[
        `${bold(line.name)}  ${dim(`${space.model}${space.modelRevision === '' ? '' : `@${space.modelRevision}`}, ${space.storedDimension} of ${space.fullDimension} dimensions, collection ${line.info.collection}`)}`,
        table(
          [
            [
              'documents',
              count(documents.stored),
              `stored${documents.open > 0 ? `, ${yellow(`${count(documents.open)} open`)}` : ''}${documents.partial > 0 ? `, ${red(`${count(documents.partial)} partial`)}` : ''}`,
            ],
            ['rows', count(rows), 'in Milvus'],
            [
              'backlog',
              approx(status.backlogTokens),
              `tokens in ${plural(jobs.waiting + jobs.active, 'chunk')}${status.etaSeconds === undefined ? '' : `, ${duration(status.etaSeconds)} to go at ${approx(status.tokensPerSecond)} tokens/s`}`,
            ],
            [
              'workers',
              count(workers.length),
              workers.length === 0
                ? yellow('none: start one with `npx sluice worker`')
                : paused === undefined
                  ? green('alive')
                  : 'alive and held',
            ],
          ],
          { right: [1] },
        ),
        ...(paused === undefined
          ? []
          : [`${yellow('paused')}   ${printable(paused)}: \`npx sluice resume --line ${line.name}\` lets it go on`]),
        ...status.workers.flatMap(({ id, held, outage }) =>
          outage === undefined ? [] : [`${yellow('waiting')}  ${id} holds ${plural(held, 'chunk')}: ${outage}`],
        ),
      ].join('\n')}\n`,
    );
  });
}
