/** What becomes of a call that nobody waits for any more. The thread counts its steps where both sides see them. */
import { describe, expect, it } from 'vitest';
import { createThread } from './thread.ts';

/** A thread whose calls are lists of steps; before each step it counts, and waits at the gate while that is shut. */
function stepping() {
  const shared = new Int32Array(new SharedArrayBuffer(8)); // steps begun, gate (1: open)
  const script = `
    import { workerData } from 'node:worker_threads';
    import { answerCalls } from ${JSON.stringify(new URL('./thread.ts', import.meta.url).href)};
    answerCalls(async (steps, goOn) => {
      for (let step = 0; step < steps; step++) {
        if (step > 0 && !(await goOn())) return { answer: 'given up', transfer: [] };
        Atomics.add(workerData, 0, 1);
        Atomics.wait(workerData, 1, 0);
      }
      return { answer: 'done', transfer: [] };
    });`;
  const thread = createThread<number, string>({
    script: new URL(`data:text/javascript,${encodeURIComponent(script)}`),
    what: 'The test',
    workerData: shared,
  });
  return {
    thread,
    steps: () => Atomics.load(shared, 0),
    openGate() {
      Atomics.store(shared, 1, 1);
      Atomics.notify(shared, 1);
    },
  };
}

describe('a call that is given up', () => {
  it('stops between two steps, or is never begun; until then it counts as abandoned', async () => {
    const { thread, steps, openGate } = stepping();
    await thread.start();
    const abort = new AbortController();
    const begun = thread.call(3, abort.signal);
    const waiting = thread.call(3, abort.signal);
    const kept = thread.call(2);
    await expect.poll(steps, { timeout: 20_000 }).toBe(1);
    abort.abort(new Error('hung up'));
    await expect(begun).rejects.toThrow('hung up');
    await expect(waiting).rejects.toThrow('hung up');
    expect(thread.abandoned).toBe(2);
    openGate();
    expect(await kept).toBe('done');
    expect(steps()).toBe(1 + 2);
    expect(thread.abandoned).toBe(0);
    await thread.close();
  });

  it('is forgotten when it was answered before it heard', async () => {
    const { thread, openGate } = stepping();
    openGate();
    const abort = new AbortController();
    expect(await thread.call(1, abort.signal)).toBe('done');
    abort.abort();
    expect(thread.abandoned).toBe(0);
    expect(await thread.call(1)).toBe('done');
    await thread.close();
  });
});
