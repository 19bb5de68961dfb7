// Client certificates: the common name is the user, the organizations are the groups. The door has verified the chain.

import { type Authenticator, CREDENTIAL_ID } from './authenticator.ts'

export const certificateAuthenticator: Authenticator = {
  name: 'x509',
  authenticate({ certificate }) {
    if (!certificate || certificate.commonName === '') return undefined
    const { commonName, organizations, sha256 } = certificate
    return {
      username: commonName,
      groups: organizations,
      ...(sha256 === undefined ? {} : { extra: { [CREDENTIAL_ID]: [`X509SHA256=${sha256}`] } }),
    }
  },
}
