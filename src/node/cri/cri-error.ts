// The one error of the runtime client: a gRPC status, by name, with the runtime's own words.

/** The gRPC status codes by number. */
export const GRPC_CODES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const
export type GrpcCode = (typeof GRPC_CODES)[number]

/** What the runtime answered instead of a result. `message` is the runtime's text, which upstream shows to users as it is. */
export class CriError extends Error {
  override name = 'CriError'
  readonly code: GrpcCode
  /** The call that failed, such as `RunPodSandbox`. */
  readonly method: string

  constructor(code: GrpcCode, message: string, method: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.method = method
  }
}

export function isCriError(error: unknown, code: GrpcCode): error is CriError {
  return error instanceof CriError && error.code === code
}

/** The sandbox, container or image is not there. */
export function isNotFound(error: unknown): error is CriError {
  return isCriError(error, 'NOT_FOUND')
}

/** The runtime is not listening, or went away during the call. */
export function isUnavailable(error: unknown): error is CriError {
  return isCriError(error, 'UNAVAILABLE')
}

export function isDeadlineExceeded(error: unknown): error is CriError {
  return isCriError(error, 'DEADLINE_EXCEEDED')
}

/** The text of a gRPC error as upstream writes it into events and statuses. */
export function rpcErrorText(error: CriError): string {
  return `rpc error: code = ${pascal(error.code)} desc = ${error.message}`
}

/** gRPC in Go names codes `NotFound`, `DeadlineExceeded`; only `CANCELLED` is spelt differently there. */
function pascal(code: GrpcCode): string {
  if (code === 'CANCELLED') return 'Canceled'
  if (code === 'OK') return code
  return code
    .toLowerCase()
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}
