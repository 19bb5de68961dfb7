// Which requests may leave HTTP, and who takes them over: remote commands and proxied connections, watches.

import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import * as errors from '../apimachinery/errors.ts'
import type { ApiRequest } from '../client/door.ts'
import type { UpgradeHandler } from './https.ts'
import { refuseOnSocket } from './socket-answer.ts'

export interface Upgrade {
  /** Does this request's upgrade mean something here? */
  takes(message: IncomingMessage): boolean
  readonly handle: UpgradeHandler
}

export interface Upgrades {
  takesUpgrade(message: IncomingMessage): boolean
  readonly upgrade: UpgradeHandler
}

/** The first that takes a request gets it. */
export function upgradesOf(all: readonly Upgrade[]): Upgrades {
  return {
    takesUpgrade: (message) => all.some((upgrade) => upgrade.takes(message)),
    async upgrade(request, message, socket, head) {
      const found = all.find((upgrade) => upgrade.takes(message))
      let asked: ApiRequest
      try {
        if (!found) throw errors.badRequest('this path cannot be upgraded')
        asked = withSocketToken(request, message)
      } catch (error) {
        refuseOnSocket(socket, error)
        return
      }
      await found.handle(asked, message, socket, head)
    },
  }
}

/** Browsers cannot set headers on a WebSocket: their token comes as the name of a protocol. */
const TOKEN_PROTOCOL = 'base64url.bearer.authorization.k8s.io.'

function withSocketToken(request: ApiRequest, message: IncomingMessage): ApiRequest {
  const { headers } = message
  if (headers.upgrade?.toLowerCase() !== 'websocket') return request
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  const tokens = offered.filter((name) => name.startsWith(TOKEN_PROTOCOL))
  const [token] = tokens
  if (token === undefined) return request
  const others = offered.filter((name) => !tokens.includes(name) && name !== '')
  // The server must choose one of the names, and must not answer with the token.
  if (tokens.length > 1 || others.length === 0) throw errors.unauthorized()
  headers['sec-websocket-protocol'] = others.join(', ')
  const { authorization = `Bearer ${tokenIn(token.slice(TOKEN_PROTOCOL.length))}` } = request.headers
  return {
    ...request,
    headers: { ...request.headers, 'sec-websocket-protocol': others.join(', '), authorization },
  }
}

/** What is not base64url of a text is no token. */
function tokenIn(encoded: string): string {
  const bytes = Buffer.from(encoded, 'base64url')
  const text = bytes.toString()
  if (!/^[\w-]+$/.test(encoded) || encoded.length % 4 === 1 || !isUtf8(bytes) || /[^\x21-\x7e]/.test(text))
    throw errors.unauthorized()
  return text
}
