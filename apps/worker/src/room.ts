/** A room that any number may use together, or one alone. Whoever wants to be alone is next; those who come later wait. */
export interface Room {
  together<T>(act: () => Promise<T>): Promise<T>;
  /** Waits until everybody inside has left. */
  alone<T>(act: () => Promise<T>): Promise<T>;
}

export function createRoom(): Room {
  let inside = 0;
  /** Pending while somebody is alone, or waits to be. */
  let door: Promise<void> = Promise.resolve();
  let onEmpty: (() => void) | undefined;

  return {
    async together(act) {
      for (let passed: Promise<void> | undefined; passed !== door; ) {
        passed = door;
        await passed;
      }
      inside += 1;
      try {
        return await act();
      } finally {
        inside -= 1;
        if (inside === 0) onEmpty?.();
      }
    },

    async alone(act) {
      const before = door;
      const { promise, resolve: open } = Promise.withResolvers<void>();
      door = promise;
      await before;
      if (inside > 0) await new Promise<void>((resolve) => (onEmpty = resolve));
      onEmpty = undefined;
      try {
        return await act();
      } finally {
        open();
      }
    },
  };
}
