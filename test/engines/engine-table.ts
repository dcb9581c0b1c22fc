/** Every engine that can run without a GPU, as it should be started and as it is started by mistake. */
import type { EngineRow } from './engine-row.ts';
import { infinityRows } from './rows/infinity.ts';
import { jinaOnPremRows } from './rows/jina-on-prem.ts';
import { ownRows } from './rows/own.ts';
import { pythonServers } from './rows/python-servers.ts';
import { teiRows } from './rows/tei.ts';
import { vllmRows } from './rows/vllm.ts';

export const engineTable: readonly EngineRow[] = [
  ...ownRows,
  ...jinaOnPremRows,
  ...teiRows,
  ...infinityRows,
  ...vllmRows,
  ...pythonServers,
];
