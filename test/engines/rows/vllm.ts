/** vLLM on a CPU. Its kernels know no heads of 16, so it serves the toy with heads of 32, which has golden vectors of its own. */
import { execFile } from 'node:child_process';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { tinyFolder } from '../../support/jina-tiny-server.ts';
import type { EngineRow, Environment } from '../engine-row.ts';
import { heads32, here, root } from '../layouts.ts';

const run = promisify(execFile);

/** As its recipe installs it. */
const environment: Environment = {
  packages: ['uv==0.12.0'],
  async finish(_, folder) {
    await run('bash', [join(root, 'infra', 'engines', 'vllm', 'install-cpu.sh'), folder], {
      env: { ...process.env, SSL_CERT_FILE: process.env.PIP_CERT ?? process.env.SSL_CERT_FILE },
      maxBuffer: 64 * 1024 * 1024,
    });
  },
};

const vllm = (
  name: string,
  expect: EngineRow['expect'],
  layOut: (folder: string, python: string) => Promise<unknown>,
): EngineRow => ({
  name,
  profile: 'vllm',
  expect,
  environment,
  async start({ python, folder, port }) {
    await rm(folder, { recursive: true, force: true });
    await layOut(folder, python);
    return {
      command: python.replace(/python$/, 'vllm'),
      args: [
        ...['serve', folder, '--served-model-name', 'toy', '--runner', 'pooling', '--trust-remote-code'],
        ...['--dtype', 'float32', '--enforce-eager', '--host', '127.0.0.1', '--port', String(port)],
      ],
      env: { HF_HUB_OFFLINE: '1', VLLM_NO_USAGE_STATS: '1', VLLM_CPU_KVCACHE_SPACE: '1' },
    };
  },
  settings: { SLUICE_SERVED_MODEL: 'toy' },
  model: heads32,
});

export const vllmRows: readonly EngineRow[] = [
  vllm('vLLM 0.32.0, merged', 'right', (folder) => cp(heads32, folder, { recursive: true })),
  vllm('vLLM 0.32.0, five adapters', 'wrong_adapter', (folder, python) =>
    run(python, [here('./published_layout.py'), tinyFolder, folder, heads32]),
  ),
  vllm('vLLM 0.32.0, merged, no 1_Pooling', 'wrong_pooling', async (folder) => {
    await cp(heads32, folder, { recursive: true });
    await rm(join(folder, '1_Pooling'), { recursive: true });
    await rm(join(folder, 'modules.json'));
  }),
];
