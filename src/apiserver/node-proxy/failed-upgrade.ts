// Tells a client why its upgrade came to nothing: inside the protocol where it has one that can say so (WebSocket v5), else as a Status.

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import * as errors from '../../apimachinery/errors.ts'
import type { Status } from '../../apimachinery/errors.ts'
import { acceptRemoteCommand } from '../../streams/remote-command/accept.ts'
import type { UpgradeFailure } from '../../streams/upgrade/proxy.ts'
import { dialText, plainFailure } from './backend.ts'
import type { Target } from './targets.ts'

const TRANSLATED = 'v5.channel.k8s.io'

export interface FailedUpgrade {
  readonly message: IncomingMessage
  readonly socket: Duplex
  readonly target: Target
  /** What the backend was asked. */
  readonly url: URL
  /** Whether it is a remote command (exec, attach). */
  readonly command: boolean
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Answers in plain HTTP. */
  refuse(error: errors.StatusError): void
}

/** True when the client has its answer; otherwise the backend's own refusal is the answer. */
export async function explainUpgrade(failed: FailedUpgrade, failure: UpgradeFailure): Promise<boolean> {
  const { message, socket, clock, signal, command, target } = failed
  if (command && speaksStatuses(message)) {
    // Upstream's API server itself is the client's peer in this protocol: its handshake never fails for what a kubelet says.
    const streams = { stdin: false, stdout: true, stderr: false, tty: false }
    const session = await acceptRemoteCommand(message, socket, Buffer.alloc(0), { ...streams, clock, signal })
    const { kind: _kind, apiVersion: _version, ...status } = statusOf(failed, failure)
    await session.finish(status)
    return true
  }
  if (failure.kind === 'refused') return false
  if (failure.kind === 'silent') failed.refuse(plainFailure('the backend did not answer in time', 504))
  else failed.refuse(plainFailure(`error dialing backend: ${dialText(target, failure.error)}`))
  return true
}

function speaksStatuses({ headers }: IncomingMessage): boolean {
  if (headers.upgrade?.toLowerCase() !== 'websocket') return false
  return (headers['sec-websocket-protocol'] ?? '').split(',').some((name) => name.trim() === TRANSLATED)
}

function statusOf({ url, target }: FailedUpgrade, failure: UpgradeFailure): Status {
  if (failure.kind === 'refused') {
    const text = failure.body.toString().trimEnd()
    return statusIn(text) ?? errors.internalError(`unable to upgrade connection: ${text}`).status
  }
  const why = failure.kind === 'silent' ? 'i/o timeout' : dialText(target, failure.error)
  return errors.internalError(`error sending request: Post ${JSON.stringify(url.href)}: ${why}`).status
}

/** A refusal that is a Status already says what is to be said. */
function statusIn(text: string): Status | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isStatus = typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status'
    return isStatus ? (value as Status) : undefined
  } catch {
    return undefined
  }
}
