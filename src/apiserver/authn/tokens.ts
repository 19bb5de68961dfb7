// Bearer tokens that were handed to the server at its start: bootstrap tokens of nodes, tokens of tests.

import { createHash, timingSafeEqual } from 'node:crypto'
import type { ApiRequest, Identity } from '../../client/door.ts'
import type { Authenticator } from './authenticator.ts'

export interface StaticToken {
  token: string
  identity: Identity
}

export function bearerToken(request: ApiRequest): string | undefined {
  const header = request.headers['authorization']
  if (!header) return undefined
  const match = /^bearer +(\S+) *$/i.exec(header)
  return match?.[1]
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Compares digests in constant time, so that an answer's delay tells nothing about a token. */
export function staticTokenAuthenticator(tokens: readonly StaticToken[]): Authenticator {
  const known = tokens.map(({ token, identity }) => ({ digest: digest(token), identity }))
  return {
    name: 'token',
    authenticate(request) {
      const token = bearerToken(request)
      if (token === undefined) return undefined
      const given = digest(token)
      let found: Identity | undefined
      for (const entry of known) if (timingSafeEqual(entry.digest, given)) found = entry.identity
      return found
    },
  }
}
