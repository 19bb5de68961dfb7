// Client certificates: the common name is the user, the organizations are the groups. The door has verified the chain.

import type { Authenticator } from './authenticator.ts'

export const certificateAuthenticator: Authenticator = {
  name: 'x509',
  authenticate({ certificate }) {
    if (!certificate || certificate.commonName === '') return undefined
    return { username: certificate.commonName, groups: certificate.organizations }
  },
}
