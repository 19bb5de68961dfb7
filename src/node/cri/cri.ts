// The face of the CRI room: what pod logic imports.

export type * from './common-messages.ts'
export type * from './container-messages.ts'
export {
  CriError,
  type GrpcCode,
  isCriError,
  isDeadlineExceeded,
  isNotFound,
  isUnavailable,
  rpcErrorText,
} from './cri-error.ts'
export type * from './image-messages.ts'
export type { CallOptions, RuntimeClient, RuntimeEvent } from './runtime-client.ts'
export type * from './runtime-messages.ts'
export type * from './sandbox-messages.ts'
export type * from './stats-messages.ts'
export type * from './stream-messages.ts'
