/** Many at a time, or one by itself. Who wants to be alone waits for those inside; who comes later waits for who wants to be alone. */
export interface AloneGate {
  enter<T>(act: () => Promise<T>, options: { alone: boolean }): Promise<T>;
}

export function createAloneGate(): AloneGate {
  const inside = new Set<Promise<unknown>>();
  let last: Promise<unknown> = Promise.resolve();

  return {
    async enter(act, { alone }) {
      // Everybody who comes in the meantime stands behind.
      const before = last;
      const { promise: left, resolve: leave } = Promise.withResolvers<void>();
      if (alone) last = before.then(() => left);
      await before;
      if (alone) await Promise.all(inside);
      else inside.add(left);
      try {
        return await act();
      } finally {
        inside.delete(left);
        leave();
      }
    },
  };
}
