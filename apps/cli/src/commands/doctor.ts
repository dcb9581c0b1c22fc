/** `sluice doctor`: each dependency OK, WARN or FAIL, each line with its fix. Exit 0 all well, 3 something fails, 4 something is down. */
import { isSluiceError, type SpaceProof } from '@sluice/core';
import { readStack } from '@sluice/embedded';
import { openStore, planLine } from '@sluice/line';
import { connectRedis, durabilityFinding, redisFindings } from '@sluice/queue';
import type { Check } from '../check.ts';
import type { Context } from '../context.ts';
import { homeOf } from '../context.ts';
import { checkEngines } from '../engine-checks.ts';
import { bold, dim, green, red, yellow } from '../render/style.ts';
import { printable } from '../render/words.ts';
import { printJson, runCommand } from '../run-command.ts';

export async function run(options: { deep?: boolean; json?: boolean; line?: string }): Promise<void> {
  await runCommand('doctor', options, async (context) => {
    const checks: Check[] = [];
    const report = (check: Check): void => {
      checks.push(check);
      if (options.json !== true) process.stdout.write(`${render(check)}\n`);
    };
    report({ part: 'node', name: 'version', status: 'ok', detail: process.version });
    await part('redis', report, () => checkQueue(context, report));
    let known: SpaceProof | undefined;
    await part('milvus', report, async () => {
      known = await checkStore(context, report);
    });
    if (options.deep === true) await part('milvus', report, () => checkAssumptions(context, report));
    await part('engine', report, () => checkEngines(context, known, report));
    await part('embedded', report, () => checkEmbedded(context, report));
    const failed = checks.filter(({ status }) => status === 'fail');
    const code = failed.length === 0 ? 0 : failed.every(({ down }) => down === true) ? 4 : 3;
    if (options.json === true) printJson({ checks, exitCode: code });
    else
      process.stdout.write(
        `${failed.length === 0 ? green('All is well.') : red(bold(`${failed.length} of ${checks.length} checks fail.`))}\n`,
      );
    return code;
  });
}

async function part(name: Check['part'], report: (check: Check) => void, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    report({
      part: name,
      name: error.code,
      status: 'fail',
      detail: error.what + (error.got === undefined ? '' : `; got ${error.got}`),
      fix: error.fix,
      ...(error.verdict === 'retry' && { down: true as const }),
    });
  }
}

async function checkQueue({ config, logger, releaser }: Context, report: (check: Check) => void): Promise<void> {
  if (config.SLUICE_REDIS_URL === undefined) return notSet('redis', 'SLUICE_REDIS_URL', report);
  const redis = connectRedis(config.SLUICE_REDIS_URL, { role: 'reader', logger });
  releaser.push('the connection to Redis', () => redis.disconnect());
  // As every command takes it: what they refuse is no warning here.
  const allowed = config.SLUICE_ALLOW_UNSAFE_REDIS;
  for (const finding of [...(await redisFindings(redis)), await durabilityFinding(redis)]) {
    report({
      part: 'redis',
      name: finding.name,
      status: finding.status === 'fail' && allowed ? 'warn' : finding.status,
      detail: finding.message,
      ...(finding.fix !== undefined && { fix: finding.fix }),
    });
  }
}

/** What the line remembers of its engine. */
async function checkStore(
  { config, logger, releaser }: Context,
  report: (check: Check) => void,
): Promise<SpaceProof | undefined> {
  if (config.SLUICE_MILVUS_ADDRESS === undefined) {
    notSet('milvus', 'SLUICE_MILVUS_ADDRESS', report);
    return undefined;
  }
  const store = await openStore(config, { logger, releaser });
  await store.checkHealth();
  report({
    part: 'milvus',
    name: 'version',
    status: 'ok',
    detail: `${await store.version()} at ${config.SLUICE_MILVUS_ADDRESS}`,
  });
  const info = await store.describeLine(config.SLUICE_LINE);
  if (info === undefined) {
    report({ part: 'line', name: config.SLUICE_LINE, status: 'ok', detail: 'not made yet; the first ingest makes it' });
    return undefined;
  }
  const plan = await planLine(config);
  store.requireSpace(info, plan.space);
  report({
    part: 'line',
    name: config.SLUICE_LINE,
    status: 'ok',
    detail: `${await store.countRows(info.collection)} rows, ${info.space.model}, ${info.space.storedDimension} dimensions`,
  });
  if (info.proof !== undefined) report(proofCheck(info.proof));
  if (!info.cuts.includes(plan.cutId)) {
    report({
      part: 'line',
      name: 'cut',
      status: 'warn',
      detail: "this configuration cuts documents in another way than the line's rows",
      fix: 'Nothing needs doing: documents are cut anew when they change, or with `npx sluice ingest --recut`.',
    });
  }
  return info.proof;
}

function proofCheck({ verdict, proof, engine, at }: SpaceProof): Check {
  const by = { golden: 'by golden vectors', variants: 'by its own variants', none: 'by nothing' }[proof];
  return {
    part: 'line',
    name: 'proof',
    status: verdict === 'right' ? 'ok' : 'warn',
    detail: `${engine.profile} at ${engine.where}, ${verdict === 'right' ? `proved right ${by}` : 'accepted without proof'} on ${at.slice(0, 10)}`,
    ...(verdict === 'unproven' && { fix: 'Record golden vectors from a trusted engine, and set SLUICE_GOLDEN.' }),
  };
}

async function checkAssumptions({ config, logger, releaser }: Context, report: (check: Check) => void): Promise<void> {
  if (config.SLUICE_MILVUS_ADDRESS === undefined) return;
  const store = await openStore(config, { logger, releaser });
  for await (const { name, assumed, held, instead } of store.conformance()) {
    report({
      part: 'milvus',
      name,
      status: held ? 'ok' : 'fail',
      detail: held ? assumed : `not held: ${assumed}; got ${instead}`,
      ...(!held && { fix: 'Use a version that docs/operating.md names as run, and tell us of this one.' }),
    });
  }
}

async function checkEmbedded({ config }: Context, report: (check: Check) => void): Promise<void> {
  const stack = await readStack(homeOf(config));
  if (stack === undefined) return;
  const open = stack.openPorts.map(({ name, port }) => `${name} ${port}`);
  if (open.length === 0) report({ part: 'embedded', name: 'ports', status: 'ok', detail: 'all on loopback' });
  else {
    report({
      part: 'embedded',
      name: 'ports',
      status: 'warn',
      detail: `Milvus listens on every interface: ${open.join(', ')}`,
      fix: 'Close these ports in your firewall, or use a Milvus of your own (SLUICE_MILVUS_ADDRESS); Milvus 2.3 cannot be bound to loopback.',
    });
  }
}

function notSet(part: Check['part'], setting: string, report: (check: Check) => void): void {
  report({
    part,
    name: setting,
    status: 'fail',
    detail: 'not set, and no embedded stack is running',
    fix: `Run \`npx sluice up\`, or set ${setting}.`,
    down: true,
  });
}

function render({ part, name, status, detail, fix }: Check): string {
  const mark = status === 'ok' ? green('OK  ') : status === 'warn' ? yellow('WARN') : red('FAIL');
  return `${mark}  ${part.padEnd(8)} ${name.padEnd(22)} ${printable(detail)}${fix === undefined ? '' : `\n${dim(`      ${printable(fix)}`)}`}`;
}
