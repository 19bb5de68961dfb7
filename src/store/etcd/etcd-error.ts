// What etcd and the way to it answer instead of a result: told apart by what it means for the call.

import { status, type ServiceError } from '@grpc/grpc-js'

/**
 * `never-sent`: nothing can have happened, another endpoint may be tried · `unreachable`: it may or may not have happened ·
 * `compacted`, `future`: of the revision asked for · `full`: the database's quota · `busy`: too many proposals wait · `too-large`: of the request or the answer ·
 * `no-lease`, `lease-exists` · `refused`: anything else, certainly not done.
 */
export type EtcdFailure =
  | 'never-sent'
  | 'unreachable'
  | 'compacted'
  | 'future'
  | 'full'
  | 'busy'
  | 'too-large'
  | 'no-lease'
  | 'lease-exists'
  | 'refused'

export class EtcdError extends Error {
  override readonly name = 'EtcdError'
  readonly failure: EtcdFailure
  constructor(failure: EtcdFailure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.failure = failure
  }
}

/** Texts that etcd's members answer with, whatever the version. */
const TEXTS: readonly (readonly [RegExp, EtcdFailure])[] = [
  [/^No connection established|^Name resolution failed/, 'never-sent'],
  [/required revision has been compacted/, 'compacted'],
  [/required revision is a future revision/, 'future'],
  [/database space exceeded/, 'full'],
  [/too many requests/, 'busy'],
  [/request is too large|larger than max/, 'too-large'],
  [/requested lease not found/, 'no-lease'],
  [/lease already exists/, 'lease-exists'],
  [/no leader/, 'never-sent'],
]

/** Codes with which the outcome is known: it was not done. */
const REFUSALS: readonly status[] = [
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.FAILED_PRECONDITION,
  status.OUT_OF_RANGE,
  status.UNIMPLEMENTED,
]

export function etcdError(error: unknown, method: string): EtcdError {
  if (error instanceof EtcdError) return error
  const text = isServiceError(error) ? error.details : error instanceof Error ? error.message : String(error)
  const message = `etcd answered ${method} with: ${text}`
  const known = TEXTS.find(([pattern]) => pattern.test(text))
  if (known) return new EtcdError(known[1], message, { cause: error })
  const refused = isServiceError(error) && REFUSALS.includes(error.code)
  return new EtcdError(refused ? 'refused' : 'unreachable', message, { cause: error })
}

export function isFailure(error: unknown, ...failures: EtcdFailure[]): error is EtcdError {
  return error instanceof EtcdError && failures.includes(error.failure)
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error
}
