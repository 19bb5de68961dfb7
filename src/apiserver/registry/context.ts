// What one request carries through the registry: who asks, how, and what is to be said besides the answer.

import type { Identity } from '../../client/door.ts'
import type { Actor } from '../../store/store.ts'
import type { RequestInfo } from '../request-info.ts'

/** What to do about fields that the schema does not know (`fieldValidation`). */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore'

export interface RequestContext {
  info: RequestInfo
  identity: Identity
  /** The request's own id, in the audit trail and in the object's history. */
  requestID: string
  userAgent: string
  /** Who owns the fields that this request sets; already defaulted from the user agent. */
  fieldManager: string
  fieldValidation: FieldValidation
  dryRun: boolean
  /** Texts for `Warning: 299` headers. */
  warnings: string[]
  signal: AbortSignal
}

export function actorOf(context: RequestContext): Actor {
  return {
    user: context.identity.username,
    verb: context.info.verb,
    fieldManager: context.fieldManager,
    requestID: context.requestID,
    userAgent: context.userAgent,
  }
}
