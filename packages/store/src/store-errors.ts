/**
 * What a failure of Milvus means for the work. Milvus fails in four shapes: a rejected gRPC error, a resolved status, a
 * thrown response object that is no Error (the SDK's own describe inside upsert), and a reply without any status (the SDK
 * turns UNIMPLEMENTED into success with an empty object). Decided by codes; both status fields count, because milvus-lite
 * says `Success` beside a code, and older servers a name without one.
 */
import { type ErrorCode, isSluiceError, SluiceError } from '@sluice/core';

interface Status {
  error_code?: string | number;
  code?: number;
  reason?: string;
}

/** gRPC codes of rejected calls. Anything else (13 INTERNAL: text that is not UTF-8) is `store_failed`. */
const GRPC: Record<number, ErrorCode> = {
  1: 'store_unreachable', // CANCELLED: ambiguous, the same keys are sent again
  4: 'store_unreachable', // DEADLINE_EXCEEDED: ambiguous
  7: 'store_refused_key', // PERMISSION_DENIED
  8: 'store_busy', // RESOURCE_EXHAUSTED; a message over the limit is told apart below
  12: 'store_unreachable', // UNIMPLEMENTED: a gateway, or a server still starting; no row is to blame
  14: 'store_unreachable', // UNAVAILABLE: ambiguous
  16: 'store_refused_key', // UNAUTHENTICATED
};

/** Milvus codes of resolved statuses. Anything else (1100, 6, 65535 on a write: a poison row) is `store_failed`. */
const MILVUS: Record<number, ErrorCode> = {
  1: 'store_busy', // not ready; milvus-lite: unknown, ambiguous
  2: 'store_busy', // unavailable
  3: 'store_busy', // memory limit
  4: 'store_busy', // request limit
  7: 'store_busy', // disk limit
  8: 'store_busy', // rate limit
  9: 'store_busy', // quota exhausted
  11: 'store_busy', // time tick delay
  12: 'store_busy', // resources
  100: 'missing_collection',
  101: 'store_busy', // not loaded: loading was tried before this is thrown
  503: 'store_busy', // a channel or replica that is not available yet, after a restart or a long freeze
  1400: 'store_refused_key',
  1401: 'store_refused_key',
};

/** Names that servers before 2.3 give instead of a code. */
const NAMED: Record<string, ErrorCode> = {
  CollectionNotExists: 'missing_collection',
  RateLimit: 'store_busy',
  ForceDeny: 'store_busy',
  MemoryQuotaExhausted: 'store_busy',
  DiskQuotaExhausted: 'store_busy',
  TimeTickLongDelay: 'store_busy',
  NotReadyServe: 'store_busy',
};

export function isSuccess(status: Status | undefined): boolean {
  if (status === undefined) return false;
  const named = status.error_code === 'Success' || status.error_code === 0 || status.error_code === '0';
  return named && (status.code ?? 0) === 0;
}

/** Whether the failure is the resolved status of this Milvus code. */
export function hasMilvusCode(failure: unknown, code: number): boolean {
  return statusOf(failure)?.code === code;
}

/** `where` names the call and the collection or address; never a row's content. */
export function storeError(failure: unknown, where: string): SluiceError {
  if (isSluiceError(failure)) return failure;
  const status = statusOf(failure);
  if (status !== undefined) {
    const code = (status.code ? MILVUS[status.code] : undefined) ?? NAMED[String(status.error_code)] ?? 'store_failed';
    return new SluiceError(code, {
      message: messageOf(code),
      where,
      got: `${status.error_code}/${status.code ?? 0} ${shortened(status.reason)}`.trim(),
    });
  }
  if (failure instanceof Error) {
    const grpcCode = (failure as { code?: unknown }).code;
    const details = shortened((failure as { details?: string }).details ?? failure.message);
    let code: ErrorCode = typeof grpcCode === 'number' ? (GRPC[grpcCode] ?? 'store_failed') : 'store_failed';
    if (grpcCode === 8 && details.includes('larger than max')) code = 'store_too_large';
    return new SluiceError(code, {
      message: messageOf(code),
      where,
      got: typeof grpcCode === 'number' ? `gRPC ${grpcCode} ${details}` : details,
      cause: failure,
    });
  }
  return new SluiceError('store_unreachable', {
    message: 'What answers does not know the call, or has no answer to it',
    where,
    got: 'a reply without a status',
  });
}

function statusOf(failure: unknown): Status | undefined {
  if (typeof failure !== 'object' || failure === null || failure instanceof Error) return undefined;
  const status = 'status' in failure ? failure.status : failure;
  return typeof status === 'object' && status !== null && 'error_code' in status ? (status as Status) : undefined;
}

function messageOf(code: ErrorCode): string {
  switch (code) {
    case 'store_unreachable':
      return 'Milvus cannot be reached';
    case 'store_busy':
      return 'Milvus cannot do this now';
    case 'store_too_large':
      return 'The request is larger than Milvus takes';
    case 'store_refused_key':
      return 'Milvus refuses the credentials';
    case 'missing_collection':
      return 'The collection is not there';
    default:
      return 'Milvus failed';
  }
}

/** Reasons carry Go stack traces from some versions on. */
function shortened(reason = ''): string {
  const line = reason.split('\n', 1)[0]!;
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
