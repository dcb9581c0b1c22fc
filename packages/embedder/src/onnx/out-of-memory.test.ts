import { describe, expect, it } from 'vitest';
import { isOutOfMemory } from './out-of-memory.ts';

const failed = (node: string, status: string) =>
  new Error(`Non-zero status code returned while running ${node} node. Name:'x' Status Message: ${status}`);

describe('isOutOfMemory', () => {
  // The first was seen (onnxruntime-node 1.30.0, CPU, 200 texts of 8,192 tokens in one run); the others are from its issue tracker.
  it.each([
    failed(
      'FusedMatMul',
      '/onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:360 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate memory for requested buffer of size 214748364800',
    ),
    failed('Softmax', 'std::bad_alloc'),
    failed('MatMul', 'CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0 ; expr=cublasCreate(&cublas_handle_);'),
    failed('Gather', 'CUDA failure 2: out of memory ; GPU=0 ; expr=cudaMalloc((void**)&p, size);'),
  ])('%s', (error) => {
    expect(isOutOfMemory(error)).toBe(true);
  });

  it('is no other failure, and nothing else that is thrown', () => {
    expect(isOutOfMemory(failed('Gather', 'indices element out of data bounds, idx=9 must be within [-5,4]'))).toBe(
      false,
    );
    expect(isOutOfMemory('std::bad_alloc')).toBe(false);
  });
});
