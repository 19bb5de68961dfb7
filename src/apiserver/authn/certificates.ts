// Client certificates: the common name is the user, the organizations are the groups. The door has verified the chain.

import type { ApiRequest, Identity } from '../../client/door.ts'
import { type Authenticator, CREDENTIAL_ID, withAuthenticatedGroup } from './authenticator.ts'

type Certificate = NonNullable<ApiRequest['certificate']>

/** The door reads a certificate once per connection: who that is does not change from one request to the next. */
const known = new WeakMap<Certificate, Identity>()

export const certificateAuthenticator: Authenticator = {
  name: 'x509',
  authenticate({ certificate }) {
    if (!certificate || certificate.commonName === '') return undefined
    let identity = known.get(certificate)
    if (identity === undefined) {
      identity = withAuthenticatedGroup(identityOf(certificate))
      known.set(certificate, identity)
    }
    return identity
  },
}

function identityOf({ commonName, organizations, sha256 }: Certificate): Identity {
  return {
    username: commonName,
    groups: organizations,
    ...(sha256 === undefined ? {} : { extra: { [CREDENTIAL_ID]: [`X509SHA256=${sha256}`] } }),
  }
}
