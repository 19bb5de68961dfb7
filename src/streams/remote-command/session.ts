// The shapes of a remote command (exec, attach): the side that answers a client and the side that asks a runtime.
import type { Readable, Writable } from 'node:stream'
import type { Clock } from '../../base/clock.ts'

export interface TerminalSize {
  width: number
  height: number
}

/** A `metav1.Status`, as far as the streams read it; the rest passes through. */
export interface CommandStatus {
  status?: string
  message?: string
  reason?: string
  code?: number
  details?: unknown
  metadata?: unknown
}

export interface RemoteCommandOptions {
  stdin: boolean
  stdout: boolean
  stderr: boolean
  tty: boolean
  clock: Clock
  signal: AbortSignal
}

/** The side that faces the client (kubectl). */
export interface RemoteCommandSession {
  stdin?: Readable
  stdout?: Writable
  stderr?: Writable
  resize: AsyncIterable<TerminalSize>
  /** Settles when the client is gone; never rejects. */
  closed: Promise<void>
  /** Ends the output, tells the outcome and closes the connection. */
  finish(status: CommandStatus): Promise<void>
}

/** The side that faces the runtime (containerd). */
export interface RemoteCommandClient {
  stdin?: Writable
  stdout?: Readable
  stderr?: Readable
  resize(size: TerminalSize): void
  /** Undefined when the connection ended without a status. */
  status: Promise<CommandStatus | undefined>
  close(): void
}

export const STREAM_CREATION_TIMEOUT_MS = 30_000
/** How long a peer may take to close after the last byte was sent. */
export const CLOSE_TIMEOUT_MS = 10_000
/** A status is a few hundred bytes; a line of a resize a few dozen. */
export const MAX_STATUS_BYTES = 1 << 20
export const MAX_RESIZE_BYTES = 4 << 10

/** Protocols before v4 say success by silence and failure by its text. */
export function encodeStatus(status: CommandStatus, version: number): string {
  if (version >= 4) return JSON.stringify({ metadata: {}, ...status })
  return status.status === 'Success' ? '' : (status.message ?? 'unknown error')
}

export function parseSize(text: string): TerminalSize | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { Width: width, Height: height } = value as { Width?: unknown; Height?: unknown }
  const valid = (n: unknown): n is number => Number.isInteger(n) && Number(n) >= 0 && Number(n) <= 0xffff
  return valid(width) && valid(height) ? { width, height } : undefined
}
