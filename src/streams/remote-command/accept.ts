// Answers an upgrade to a remote command (exec, attach), whichever of the two protocols the client speaks.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { rejectUpgrade, UpgradeRefused } from '../upgrade/reject.ts'
import { acceptSpdy } from './accept-spdy.ts'
import { acceptWebSocket } from './accept-websocket.ts'
import type { RemoteCommandOptions, RemoteCommandSession } from './session.ts'

/** Rejects with UpgradeRefused when the client already has its answer. */
export async function acceptRemoteCommand(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: RemoteCommandOptions,
): Promise<RemoteCommandSession> {
  const { stdin, stdout, stderr } = options
  if (!stdin && !stdout && !stderr) {
    const message = 'you must specify at least 1 of stdin, stdout, stderr'
    rejectUpgrade(socket, 400, message)
    throw new UpgradeRefused(message)
  }
  const upgrade = (request.headers.upgrade ?? '').toLowerCase()
  if (upgrade === 'websocket') return await acceptWebSocket(request, socket, head, options)
  if (upgrade === 'spdy/3.1') return await acceptSpdy(request, socket, head, options)
  const message = `unable to upgrade: missing upgrade headers in request: ${JSON.stringify(request.headers.upgrade ?? '')}`
  rejectUpgrade(socket, 400, message)
  throw new UpgradeRefused(message)
}
