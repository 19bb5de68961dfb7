// The runtime's events from containerd's own event service: task exits are known at once, where CRI could only be polled.

import { type Clock, sleep } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import {
  bytes,
  type DecodedOf,
  field,
  int64,
  message,
  ProtobufError,
  repeated,
  string,
  uint32,
} from '../../base/protobuf/protobuf.ts'
import { type GrpcChannel, method } from './grpc-channel.ts'
import type { RuntimeEvent } from './runtime-client.ts'

/** google.protobuf.Timestamp. */
const moment = message({ seconds: field(1, int64), nanos: field(2, uint32) })
/** google.protobuf.Any: the name of a message and its bytes. */
const any = message({ typeUrl: field(1, string), value: field(2, bytes) })
const envelope = message({
  timestamp: field(1, moment),
  namespace: field(2, string),
  topic: field(3, string),
  event: field(4, any),
})
const taskStart = message({ containerId: field(1, string), pid: field(2, uint32) })
const taskExit = message({
  containerId: field(1, string),
  id: field(2, string),
  pid: field(3, uint32),
  exitStatus: field(4, uint32),
  exitedAt: field(5, moment),
})
const taskOom = message({ containerId: field(1, string) })
const taskDelete = message({ containerId: field(1, string), id: field(5, string) })

const subscribe = method(
  'containerd.services.events.v1.Events',
  'Subscribe',
  message({ filters: repeated(1, string) }),
  envelope,
)

/** A topic of our own: what is published there comes back, and so tells that the subscription has begun. */
const PROBE_TOPIC = '/drover/subscribed'
const publish = method(
  'containerd.services.events.v1.Events',
  'Publish',
  message({ topic: field(1, string), event: field(2, any) }),
  message({}),
)

const TOPICS = ['/tasks/start', '/tasks/exit', '/tasks/oom', '/tasks/delete', PROBE_TOPIC]
/** Filters are alternatives; within one, all conditions hold. */
const FILTERS = TOPICS.map((topic) => `namespace==k8s.io,topic=="${topic}"`)
/** A probe that was published before the subscription began is lost; the next one follows after this long. */
const PROBE_INTERVAL_MS = 20

/** One subscription, until it breaks. */
export async function* containerdEvents(
  channel: GrpcChannel,
  { clock, log, signal }: { clock: Clock; log: Logger; signal: AbortSignal },
): AsyncGenerator<RuntimeEvent, void, undefined> {
  const stream = channel.stream(subscribe, { filters: FILTERS }, signal, { waitForReady: true })
  const first = stream.next()
  await subscribed(channel, first, clock, signal)
  yield { type: 'resync' }
  for (let next = await first; !next.done; next = await stream.next()) {
    const event = decodeEvent(next.value, log)
    if (event !== undefined) yield event
  }
}

/**
 * Resolves once the subscription is known to be in force. The service does not acknowledge one, so without this, what happened between
 * the request and its execution would be missed: publish probes until the first event, whosever it is, arrives.
 */
async function subscribed(
  channel: GrpcChannel,
  first: Promise<unknown>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const arrived = new AbortController()
  const outcome = first.finally(() => arrived.abort())
  outcome.catch(() => undefined)
  const until = AbortSignal.any([signal, arrived.signal])
  while (!until.aborted) {
    const event = { typeUrl: 'drover.internal/subscribed', value: Buffer.alloc(0) }
    await channel.call(publish, { topic: PROBE_TOPIC, event }, { signal })
    await sleep(clock, PROBE_INTERVAL_MS, until).catch(() => undefined)
  }
  await outcome
}

/** Undefined for what is not about a container's own process: exec'ed commands end, too. */
export function decodeEvent({ topic, event }: DecodedOf<typeof envelope>, log: Logger): RuntimeEvent | undefined {
  if (event === undefined) return undefined
  try {
    switch (topic) {
      case '/tasks/start':
        return { type: 'start', ...taskStart.decode(event.value) }
      case '/tasks/exit': {
        const exit = taskExit.decode(event.value)
        if (exit.id !== exit.containerId) return undefined
        return {
          type: 'exit',
          containerId: exit.containerId,
          pid: exit.pid,
          exitCode: exit.exitStatus,
          exitedAt: (exit.exitedAt?.seconds ?? 0) * 1000 + (exit.exitedAt?.nanos ?? 0) / 1e6,
        }
      }
      case '/tasks/oom':
        return { type: 'oom', ...taskOom.decode(event.value) }
      case '/tasks/delete': {
        const { containerId, id } = taskDelete.decode(event.value)
        return id === '' || id === containerId ? { type: 'delete', containerId } : undefined
      }
      default:
        return undefined
    }
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error
    log.error('Ignored a malformed event of the runtime', { topic, error })
    return undefined
  }
}
