// Who is asking: authenticators are tried in order, the first that knows the credentials answers.

import type { ApiRequest, Identity } from '../../client/door.ts'

export interface Authenticator {
  name: string
  /** undefined: not my kind of credentials. Throws an Unauthorized StatusError when they are mine and wrong. Every request waits for it, so it does not wait. */
  authenticate(request: ApiRequest): Identity | undefined
}

/** Names the one credential that somebody came with, so that it can be found in the audit. */
export const CREDENTIAL_ID = 'authentication.kubernetes.io/credential-id'

export const ANONYMOUS: Identity = { username: 'system:anonymous', groups: ['system:unauthenticated'] }

/** Everybody who was authenticated is in this group. */
export function withAuthenticatedGroup(identity: Identity): Identity {
  if (identity.groups.includes('system:authenticated') || identity.groups.includes('system:unauthenticated'))
    return identity
  return { ...identity, groups: [...identity.groups, 'system:authenticated'] }
}
