/** schemathesis calls the service as its OpenAPI document allows and forbids: no 5xx, and no status that is not documented. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { pythonTools } from '../support/python-tools.ts';
import { serve } from './serving.ts';
import { createSluice } from './sluice.ts';

const run = promisify(execFile);
const hooks = join(import.meta.dirname, '../support/schemathesis_hooks.py');
/** Cases an operation and phase; more with EXAMPLES=100. */
const EXAMPLES = process.env.EXAMPLES ?? '8';

test('whatever is asked, the answer is one that the document has', { timeout: 900_000 }, async ({ skip }) => {
  const tools = await pythonTools('schemathesis', 'test/support/requirements-schemathesis.txt');
  if ('unreachable' in tools) return skip(tools.unreachable);
  const sluice = createSluice('test-openapi', {
    SLUICE_ENGINE: 'null',
    SLUICE_FULL_DIMENSION: '32',
    SLUICE_DIMENSION: '32',
  });
  const service = await serve(sluice);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-schemathesis-'));
  try {
    // An existing line and a run, so that what lies behind them is reached.
    const { run: id } = await sluice.ingest(['-'], '{"id":"a","text":"A document."}');
    const config = join(folder, 'schemathesis.toml');
    writeFileSync(
      config,
      `[parameters]\n"path.line" = "test-openapi"\n\n[[operations]]\ninclude-path-regex = "/runs/"\n[operations.parameters]\n"path.id" = "${id}"\n`,
    );
    const { stdout } = await run(
      // Not its script `st`, which names the folder in which it was installed: that may have moved.
      join(tools.bin, 'python'),
      [
        ...['-m', 'schemathesis.cli', '--config-file', config, 'run', `${service.url}/openapi.json`],
        ...[
          '--checks',
          'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance',
        ],
        ...['--phases', 'examples,coverage,fuzzing', '--max-examples', EXAMPLES, '--seed', '1', '--no-shrink'],
        ...['--suppress-health-check', 'all', '--request-timeout', '60', '--warnings', 'off'],
      ],
      { cwd: folder, maxBuffer: 50_000_000, env: { ...process.env, NO_COLOR: '1', SCHEMATHESIS_HOOKS: hooks } },
    ).catch((error: { stdout: string }) => error);
    expect(stdout).toMatch(/No issues found/);
  } finally {
    await service.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
