// The event stream that pod logic sees: from containerd's event service, or from CRI's where the runtime is another one; reopened when it breaks.

import { type Clock, sleep } from '../../base/clock.ts'
import { errorText, type Logger } from '../../base/log.ts'
import { type DecodedOf, message } from '../../base/protobuf/protobuf.ts'
import { containerdEvents } from './containerd-events.ts'
import { isCriError } from './cri-error.ts'
import { type GrpcChannel, method } from './grpc-channel.ts'
import type { RuntimeEvent } from './runtime-client.ts'
import { containerEventResponse } from './runtime-messages.ts'

const getContainerEvents = method(
  'runtime.v1.RuntimeService',
  'GetContainerEvents',
  message({}),
  containerEventResponse,
)

/** After a broken stream, wait this long before the next attempt (containerd starts in less), and twice as long after each further one. */
const RECONNECT_DELAY_MS = 200
const MAX_RECONNECT_DELAY_MS = 5000

interface Context {
  readonly clock: Clock
  readonly log: Logger
  readonly signal: AbortSignal
}

/** Ends when the signal is aborted. A stream that breaks is opened again, and `resync` says that something may have been missed. */
export async function* runtimeEvents(
  channel: GrpcChannel,
  context: Context,
): AsyncGenerator<RuntimeEvent, void, undefined> {
  const { clock, log, signal } = context
  let open: typeof containerdEvents = containerdEvents
  let delay = RECONNECT_DELAY_MS
  while (!signal.aborted) {
    try {
      await channel.ready(signal)
      for await (const event of open(channel, context)) {
        delay = RECONNECT_DELAY_MS
        yield event
      }
      log.warn('Event stream of the runtime ended')
    } catch (error) {
      if (signal.aborted) return
      if (isCriError(error, 'UNIMPLEMENTED') && open === containerdEvents) {
        // Not containerd. Each attempt begins with containerd's service again: a socket may change hands.
        open = criEvents
        continue
      }
      log.warn('Event stream of the runtime failed', { reason: errorText(error) })
    }
    open = containerdEvents
    await sleep(clock, delay, signal).catch(() => undefined)
    delay = Math.min(delay * 2, MAX_RECONNECT_DELAY_MS)
  }
}

/** CRI's own stream does not say when it is in force; whoever lists again a little later misses nothing. */
async function* criEvents(channel: GrpcChannel, { signal }: Context): AsyncGenerator<RuntimeEvent, void, undefined> {
  yield { type: 'resync' }
  for await (const response of channel.stream(getContainerEvents, {}, signal, { waitForReady: true })) {
    const event = fromCri(response)
    if (event !== undefined) yield event
  }
}

/** CRI tells of no process ids; out-of-memory is the reason of an exit there, not an event. */
export function fromCri(response: DecodedOf<typeof containerEventResponse>): RuntimeEvent | undefined {
  const { containerId, containerEventType, createdAt, containersStatuses } = response
  switch (containerEventType) {
    case 'CONTAINER_STARTED_EVENT':
      return { type: 'start', containerId, pid: 0 }
    case 'CONTAINER_STOPPED_EVENT': {
      const status = containersStatuses.find(({ id }) => id === containerId)
      const exitedAt = status === undefined || status.finishedAt === 0 ? createdAt : status.finishedAt
      return { type: 'exit', containerId, pid: 0, exitCode: status?.exitCode ?? 0, exitedAt }
    }
    case 'CONTAINER_DELETED_EVENT':
      return { type: 'delete', containerId }
    case 'CONTAINER_CREATED_EVENT':
      return undefined
  }
}
