// Makes bootstrap tokens and their secrets.

import { type BootstrapToken, TOKEN_NAMESPACE, TOKEN_TYPE, tokenSecretName } from '../api/core/bootstrap-token.ts'
import type { Secret } from '../api/core/secret.ts'
import { rfc3339 } from '../base/clock.ts'
import type { Random } from '../base/random.ts'

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** Bytes that would make some letters likelier than others are passed over. */
export function makeToken(random: Random): BootstrapToken {
  let text = ''
  while (text.length < 22)
    for (const byte of random.bytes(32)) if (byte < 252) text += LETTERS[byte % LETTERS.length] ?? ''
  return { id: text.slice(0, 6), secret: text.slice(6, 22) }
}

/** `ttlMs` undefined: it never ends. */
export function tokenSecret(
  { id, secret }: BootstrapToken,
  { now, ttlMs, description }: { now: number; ttlMs?: number | undefined; description?: string | undefined },
): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: tokenSecretName(id), namespace: TOKEN_NAMESPACE },
    type: TOKEN_TYPE,
    data: encoded({
      'token-id': id,
      'token-secret': secret,
      ...(ttlMs === undefined ? {} : { expiration: rfc3339(now + ttlMs) }),
      ...(description === undefined ? {} : { description }),
      'usage-bootstrap-authentication': 'true',
    }),
  }
}

const encoded = (texts: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]))
