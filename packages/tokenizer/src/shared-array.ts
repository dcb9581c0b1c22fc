/** Typed arrays over shared memory: a model crosses to another thread without being copied. */

export function sharedUint16(source: ArrayLike<number>): Uint16Array {
  const array = new Uint16Array(new SharedArrayBuffer(source.length * 2));
  array.set(source);
  return array;
}

export function sharedInt32(source: ArrayLike<number>): Int32Array {
  const array = new Int32Array(new SharedArrayBuffer(source.length * 4));
  array.set(source);
  return array;
}

export function sharedFloat64(source: ArrayLike<number>): Float64Array {
  const array = new Float64Array(new SharedArrayBuffer(source.length * 8));
  array.set(source);
  return array;
}
