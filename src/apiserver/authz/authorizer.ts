// Who may do what: authorizers are asked in order until one allows or denies; nobody's opinion is a no.

import type { Identity } from '../../client/door.ts'

export interface AuthorizationRequest {
  identity: Identity
  verb: string
  /** Resource requests; all empty for a path. */
  group: string
  version: string
  resource: string
  subresource: string
  namespace: string
  name: string
  /** Set for non-resource requests. */
  path?: string
}

export type Decision = { readonly verdict: 'allow' | 'deny' | 'no-opinion'; readonly reason: string }

export const ALLOWED: Decision = { verdict: 'allow', reason: '' }
export const NO_OPINION: Decision = { verdict: 'no-opinion', reason: '' }

export interface Authorizer {
  name: string
  authorize(request: AuthorizationRequest): Decision
}

/** The first verdict counts; the reasons of those without opinion are gathered for the answer. */
export function authorize(authorizers: readonly Authorizer[], request: AuthorizationRequest): Decision {
  let reason = ''
  for (const authorizer of authorizers) {
    const decision = authorizer.authorize(request)
    if (decision.verdict !== 'no-opinion') return decision
    if (decision.reason) reason = reason === '' ? decision.reason : `${reason}\n${decision.reason}`
  }
  return { verdict: 'no-opinion', reason }
}
