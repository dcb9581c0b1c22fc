/** The stack that all test files of a run share, and names that keep them apart. */
import { createHash } from 'node:crypto';
import { expect, inject, type TestContext } from 'vitest';

export interface SharedStack {
  home: string;
  redisUrl: string;
  milvus: { address: string; username: string; password: string };
}

declare module 'vitest' {
  interface ProvidedContext {
    stack: SharedStack;
  }
}

export function sharedStack(): SharedStack {
  return inject('stack');
}

/** A line name of the test that calls it: the same in every run, another one for every test. */
export function testLine(suffix = ''): string {
  const { testPath, currentTestName } = expect.getState();
  return lineName([testPath, currentTestName, suffix]);
}

/** The same for a test that runs beside others of its file: only its own context knows which one it is. */
export function taskLine({ task }: Pick<TestContext, 'task'>, suffix = ''): string {
  return lineName([task.file.filepath, task.name, suffix]);
}

function lineName(parts: readonly (string | undefined)[]): string {
  return `test-${createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16)}`;
}
