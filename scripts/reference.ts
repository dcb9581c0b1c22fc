/**
 * The pages that are tables of the code: `docs/errors.md`, `docs/configuration.md`, `docs/metrics.md`, `.env.example`.
 * `node scripts/reference.ts` writes them; a test fails when they are not what this would write.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { errorCodes } from '../packages/core/src/error-codes.ts';
import { type Setting, settings } from '../packages/core/src/settings.ts';
import { submissionJsonSchema } from '../packages/queue/src/submission.ts';
import { metricPrefix, metricTable } from '../packages/telemetry/src/metric-table.ts';

const verdicts = {
  retry: 'an outage: Sluice waits and tries again, no attempt is used',
  split: 'too big: Sluice halves the request',
  dead: 'this item alone: the others go on',
  stop: 'configuration: the line stops, or the command ends, until it is mended',
  unknown: 'five attempts, then a dead letter',
};

function errorsPage(): string {
  const rows = Object.entries(errorCodes).map(
    ([code, { verdict, means, fix }]) => `| \`${code}\` | ${verdict} | ${cell(means)} | ${cell(fix)} |`,
  );
  return [
    '# Error codes',
    '',
    'Every refusal carries a stable code, what happened, where, what was expected, what came, and the fix. Programs may match on the code; the text may change.',
    '',
    ...Object.entries(verdicts).map(([verdict, meaning]) => `- **${verdict}**: ${meaning}`),
    '',
    '| code | verdict | meaning | fix |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function configurationPage(): string {
  const rows = (Object.entries(settings) as [string, Setting][]).map(
    ([name, { form, help, secret, ...rest }]) =>
      `| \`${name}\` | ${cell(form)} | ${'default' in rest && rest.default !== undefined ? `\`${String(rest.default)}\`` : ''} | ${cell(help)}${secret ? ` Secret: may come from a file, \`${name}_FILE\`.` : ''} |`,
  );
  return [
    '# Configuration',
    '',
    'A value comes from the command line, else the environment, else `.env` in the working folder, else the embedded stack if `sluice up` is running, else its default. `sluice config show --origin` prints which. All problems are reported at once; an unknown `SLUICE_` name is an error.',
    '',
    '| setting | form | default | what it does |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function exampleFile(): string {
  const blocks = (Object.entries(settings) as [string, Setting][]).map(([name, { help, form, ...rest }]) => {
    const value = 'default' in rest && rest.default !== undefined ? String(rest.default) : '';
    return `# ${help} (${form})\n#${name}=${value}`;
  });
  return `# Copy to .env and take away the # before what you set. docs/configuration.md says more.\n\n${blocks.join('\n\n')}\n`;
}

function metricsPage(): string {
  const rows = Object.entries(metricTable).map(([name, { type, help, labels, ...rest }]) => {
    const shown = Object.entries(labels).map(([label, values]) => {
      return values.length > 13 ? `\`${label}\`: an error code` : `\`${label}\`: ${values.join(', ')}`;
    });
    const buckets = 'buckets' in rest ? `${rest.buckets[0]} … ${rest.buckets.at(-1)}` : '';
    return `| \`${metricPrefix}${name}\` | ${type} | ${shown.join('; ')} | ${buckets} | ${cell(help)} |`;
  });
  return [
    '# Metrics',
    '',
    'Every process offers `/metrics` in the Prometheus text format, `/livez` and `/readyz` on a port of its own (`SLUICE_METRICS_HOST`, `SLUICE_METRICS_PORT`; [operating.md](operating.md#metrics-and-health) says more). Labels have closed sets of values: no document, URL or key is ever one. Beside these stand the usual `process_` and `nodejs_` metrics, and BullMQ’s own `bullmq_job_count`, `bullmq_job_completed_total` and `bullmq_job_failed_total`.',
    '',
    '| metric | type | labels | buckets | meaning |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
    'Left out on purpose: the name or address of an engine as a label (a process has one engine, and an address is no closed set; `instance` and `job` of the scrape tell processes apart), and what became of a document as an outcome of `documents_total` (it is decided in another process, later: `documents` and `chunks_total` say it, where `overtaken` is what was superseded).',
    '',
  ].join('\n');
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

export const pages: Readonly<Record<string, () => string>> = {
  'docs/errors.md': errorsPage,
  'docs/configuration.md': configurationPage,
  'docs/metrics.md': metricsPage,
  'docs/schemas/submission.v1.json': () => `${JSON.stringify(submissionJsonSchema(), null, 2)}\n`,
  '.env.example': exampleFile,
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, render] of Object.entries(pages))
    writeFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), render());
}
