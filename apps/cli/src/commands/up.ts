import { loadContext } from '../context.ts';
import { onInterrupt, untilInterrupted } from '../interrupt.ts';
import { bold, cyan, dim, yellow } from '../render/style.ts';
import { printJson } from '../run-command.ts';
import { bringUp, stackRemarks } from '../stack.ts';

export async function run(options: { json?: boolean; line?: string }): Promise<void> {
  const context = await loadContext('up', options, onInterrupt());
  try {
    const running = await bringUp(context, {
      line: context.config.SLUICE_LINE,
      servicePort: context.config.SLUICE_BOARD_PORT,
      onProgress: (text) => process.stderr.write(`${dim(text)}\n`),
    });
    const { config } = running.context;
    if (options.json === true) {
      printJson({
        type: 'up',
        line: config.SLUICE_LINE,
        milvus: config.SLUICE_MILVUS_ADDRESS,
        service: running.serviceUrl,
        openPorts: running.state?.openPorts ?? [],
      });
    } else {
      process.stderr.write(
        [
          '',
          `${bold('Sluice is up')} on the line ${cyan(config.SLUICE_LINE)}.`,
          `  Milvus      ${config.SLUICE_MILVUS_ADDRESS}`,
          `  live page   ${running.serviceUrl}  ${dim('with the board and the API')}`,
          `  worker log  ${running.workerLog}`,
          ...stackRemarks(running.state).map((remark) => yellow(`  ${remark}`)),
          `  Try         npx sluice ingest PATH${config.SLUICE_LINE === 'main' ? '' : ` --line ${config.SLUICE_LINE}`}`,
          dim('  Ctrl-C stops everything; what is stored stays.'),
          '',
        ].join('\n'),
      );
    }
    const failure = await Promise.race([running.failed, untilInterrupted(context.signal)]);
    if (failure !== undefined) throw failure;
    process.stderr.write(`${dim('Stopping …')}\n`);
  } finally {
    await context.releaser.release();
  }
}
