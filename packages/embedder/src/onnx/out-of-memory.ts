/**
 * Whether a run of ONNX Runtime ended for want of memory. Its binding throws a bare Error for every failure, without class or code, so
 * here, where the failure happens, its words are all there is; from here on it is a code. The words are those of its allocators (the
 * arena of CPU and CUDA, the same since 1.9), of the C++ runtime, and of CUDA and cuBLAS.
 */
const WORDS = [
  'Failed to allocate memory for requested buffer',
  'bad allocation',
  'std::bad_alloc',
  'CUDA failure 2: out of memory',
  'CUDA_ERROR_OUT_OF_MEMORY',
  'CUBLAS_STATUS_ALLOC_FAILED',
  'CUDNN_STATUS_ALLOC_FAILED',
];

export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && WORDS.some((words) => error.message.includes(words));
}
