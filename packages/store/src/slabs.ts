/**
 * Memory of requests, used again and again: a fresh buffer of 4 MB a request costs page faults, and V8 answers so much memory outside of
 * its heap with a whole collection every few requests. As many slabs are kept as requests were under way at once.
 */
export interface Slab {
  /** Memory of at least so many bytes; its content is what was written last. */
  atLeast(bytes: number): Buffer;
  /** Nobody reads the memory any more. */
  giveBack(): void;
}

export interface Slabs {
  take(): Slab;
}

/** Of one huge row: not kept. */
const KEPT_BYTES = 8_000_000;

export function createSlabs(): Slabs {
  const free: Buffer[] = [];
  return {
    take() {
      let memory = free.pop();
      return {
        atLeast(bytes) {
          if (memory === undefined || memory.length < bytes) memory = Buffer.allocUnsafeSlow(Math.ceil(bytes * 1.1));
          return memory;
        },
        giveBack() {
          if (memory !== undefined && memory.length <= KEPT_BYTES) free.push(memory);
          memory = undefined;
        },
      };
    },
  };
}
