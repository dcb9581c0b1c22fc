/**
 * The scripts that Sluice is compared with, run as a user runs them, and looked at afterwards from outside: what a script says of its
 * own chunks is believed when Milvus finds as many rows, Strong.
 */
import { join } from 'node:path';
import { silentLogger } from '@sluice/core';
import { connectStore } from '@sluice/store';
import type { BenchStack, Usage } from '../stack/bench-stack.ts';

export interface ScriptRun extends Usage {
  chunks: number;
  /** From the first file to the last row, without the start and the collection's making. */
  seconds: number;
}

export const runPlain = (stack: BenchStack, folder: string, collection: string, engineUrl: string) =>
  runScript(stack, 'plain.ts', [folder, engineUrl], collection);

export const runLangchain = (stack: BenchStack, folder: string, collection: string, engineUrl: string) =>
  runScript(stack, 'langchain.ts', [folder, engineUrl], collection);

async function runScript(stack: BenchStack, name: string, args: string[], collection: string): Promise<ScriptRun> {
  const { SLUICE_MILVUS_ADDRESS, SLUICE_MILVUS_USERNAME, SLUICE_MILVUS_PASSWORD } = stack.settings;
  const milvus = {
    address: SLUICE_MILVUS_ADDRESS!,
    username: SLUICE_MILVUS_USERNAME!,
    password: SLUICE_MILVUS_PASSWORD!,
  };
  const running = stack.node([
    join(import.meta.dirname, name),
    ...args,
    milvus.address,
    milvus.username,
    milvus.password,
    collection,
  ]);
  const usage = await running.finished();
  const { chunks, seconds } = running.lines.at(-1) as unknown as { chunks: number; seconds: number };
  const store = await connectStore({ ...milvus, logger: silentLogger });
  const rows = await store.countRows(collection);
  await store.close();
  if (rows !== chunks) throw new Error(`${name} says that it stored ${chunks} chunks, and ${rows} are there`);
  return { ...usage, chunks, seconds };
}
