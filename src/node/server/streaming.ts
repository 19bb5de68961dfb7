// exec, attach and port-forward: the client's protocol ends here, the runtime's begins here, and the two are joined.

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../../base/clock.ts'
import { acceptPortForward } from '../../streams/port-forward/accept.ts'
import type { PortForwardConnection } from '../../streams/port-forward/connection.ts'
import { dialPortForward, type PortForwardClient } from '../../streams/port-forward/dial.ts'
import { acceptRemoteCommand } from '../../streams/remote-command/accept.ts'
import { bridge } from '../../streams/remote-command/bridge.ts'
import { dialRemoteCommand } from '../../streams/remote-command/dial.ts'
import type { Logger } from '../../base/log.ts'
import type { RuntimeClient } from '../cri/cri.ts'
import { HttpError, type PodAccess, runningContainer, runningSandbox } from './pod-access.ts'

export interface StreamingContext {
  readonly access: PodAccess
  readonly runtime: RuntimeClient
  readonly clock: Clock
  readonly log: Logger
  readonly signal: AbortSignal
}

export interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  readonly query: URLSearchParams
}

const isTrue = (text: string | null): boolean => text === 'true' || text === '1'
/** The API server's names of the streams, and the kubelet's own. */
const asked = (query: URLSearchParams, ...names: string[]): boolean => names.some((name) => isTrue(query.get(name)))

export async function serveCommand(
  context: StreamingContext,
  sort: 'exec' | 'attach',
  { namespace, pod, container }: { namespace: string; pod: string; container: string },
  { request, socket, head, query }: Upgrade,
): Promise<void> {
  const { runtime, clock, signal } = context
  const { id } = await runningContainer(context.access, namespace, pod, container)
  const tty = asked(query, 'tty')
  const streams = {
    stdin: asked(query, 'stdin', 'input'),
    stdout: asked(query, 'stdout', 'output'),
    // A terminal has one output.
    stderr: asked(query, 'stderr', 'error') && !tty,
  }
  if (!streams.stdin && !streams.stdout && !streams.stderr)
    throw new HttpError(400, 'you must specify at least 1 of stdin, stdout, stderr')
  const cmd = query.getAll('command')
  if (sort === 'exec' && cmd.length === 0) throw new HttpError(400, 'you must specify a command')
  const url =
    sort === 'exec'
      ? await runtime.exec({ containerId: id, cmd, tty, ...streams })
      : await runtime.attach({ containerId: id, tty, ...streams })
  const options = { ...streams, tty, clock, signal }
  const session = await acceptRemoteCommand(request, socket, head, options)
  try {
    await bridge(session, await dialRemoteCommand(url, options), signal)
  } catch (error) {
    const message = `error executing command in container: ${error instanceof Error ? error.message : String(error)}`
    await session.finish({ status: 'Failure', message, reason: 'InternalError', code: 500 })
  }
}

export async function servePortForward(
  context: StreamingContext,
  { namespace, pod }: { namespace: string; pod: string },
  { request, socket, head }: Upgrade,
): Promise<void> {
  const { runtime, clock, log } = context
  const { id } = await runningSandbox(context.access, namespace, pod)
  const ended = new AbortController()
  const signal = AbortSignal.any([context.signal, ended.signal])
  let dialed: Promise<PortForwardClient> | undefined
  const dial = async (): Promise<PortForwardClient> => {
    const url = await runtime.portForward({ podSandboxId: id, port: [] })
    return await dialPortForward(url, { clock, signal })
  }
  try {
    for await (const connection of acceptPortForward(request, socket, head, { clock, signal })) {
      dialed ??= dial()
      void forward(connection, dialed, pod).catch((error: unknown) =>
        log.debug('A forwarded connection failed', { error }),
      )
    }
  } finally {
    ended.abort()
  }
}

async function forward(
  connection: PortForwardConnection,
  dialed: Promise<PortForwardClient>,
  pod: string,
): Promise<void> {
  try {
    const { data, error } = await (await dialed).connect(connection.port)
    void pipeline(connection.data, data).catch(() => {})
    // The end of the data is passed on last: a client that sees it first does not wait for the reason.
    const flowed = pipeline(data, connection.data, { end: false }).catch(() => {})
    const message = await error
    await flowed
    if (message === undefined) connection.data.end()
    else connection.fail(message)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    connection.fail(`error forwarding port ${connection.port} to pod ${pod}: ${why}`)
  }
}
