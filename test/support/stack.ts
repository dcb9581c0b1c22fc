/** The stack that all test files of a run share, and names that keep them apart. */
import { createHash } from 'node:crypto';
import { expect, inject } from 'vitest';

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
  const digest = createHash('sha256').update(`${testPath}\n${currentTestName}\n${suffix}`).digest('hex');
  return `test-${digest.slice(0, 16)}`;
}
