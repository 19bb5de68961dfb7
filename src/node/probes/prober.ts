// Carries out one probe or hook: a command in the container, an HTTP request, a TCP connection, a gRPC health check.

import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Clock } from '../../base/clock.ts'
import { errorText } from '../../base/log.ts'
import type { HTTPGetAction, ProbeHandler } from '../../api/core/pod/probe.ts'
import { CriError, isDeadlineExceeded, type RuntimeClient, rpcErrorText } from '../cri/cri.ts'
import type { NodeContainer } from '../pods/model.ts'
import { grpcHealth } from './grpc-health.ts'

export interface ProbeOutcome {
  readonly ok: boolean
  /** What is shown in events when it failed. */
  readonly output: string
  /** It could not be carried out, which says nothing about the container. */
  readonly errored?: true
}

export interface ProbeTarget {
  readonly container: NodeContainer
  readonly containerId: string
  /** Where to connect when the handler names no host. */
  readonly podIP: string
}

export interface Prober {
  run(
    handler: DeepReadonly<ProbeHandler>,
    target: ProbeTarget,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<ProbeOutcome>
}

/** As much of an answer is read and shown; the rest is thrown away. */
const MAX_BODY_BYTES = 10 * 1024
const MAX_REDIRECTS = 10

export function networkProber({
  runtime,
  clock,
  version,
}: {
  runtime: RuntimeClient
  clock: Clock
  version: string
}): Prober {
  return {
    async run(handler, target, timeoutMs, signal) {
      const { exec, httpGet, tcpSocket, grpc } = handler
      if (exec !== undefined) return await execProbe(runtime, target.containerId, exec.command ?? [], timeoutMs, signal)
      const stop = new AbortController()
      const timer = clock.after(timeoutMs, () =>
        stop.abort(new Error('context deadline exceeded (Client.Timeout exceeded while awaiting headers)')),
      )
      const either = AbortSignal.any([signal, stop.signal])
      try {
        if (httpGet !== undefined) return await httpProbe(httpGet, target, `kube-probe/${version}`, either)
        if (tcpSocket !== undefined) {
          const host = tcpSocket.host || target.podIP
          return await tcpProbe(host, portOf(tcpSocket.port, target.container), either)
        }
        if (grpc !== undefined)
          return await grpcHealth({
            host: target.podIP,
            port: grpc.port,
            service: grpc.service ?? '',
            timeoutMs,
            signal: either,
            version,
          })
        return { ok: false, output: `missing probe handler for ${target.container.name}`, errored: true }
      } catch (error) {
        return { ok: false, output: errorText(error), errored: true }
      } finally {
        timer.cancel()
      }
    },
  }
}

async function execProbe(
  runtime: RuntimeClient,
  containerId: string,
  command: readonly string[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  try {
    const { exitCode, stdout, stderr } = await runtime.execSync(containerId, command, Math.ceil(timeoutMs / 1000), {
      signal,
    })
    const output = Buffer.concat([stdout, stderr]).subarray(0, MAX_BODY_BYTES).toString('utf8')
    return { ok: exitCode === 0, output }
  } catch (error) {
    if (isDeadlineExceeded(error))
      return {
        ok: false,
        output: `command timed out: ${JSON.stringify(command.join(' '))} timed out after ${timeoutMs / 1000}s`,
      }
    return { ok: false, output: error instanceof CriError ? rpcErrorText(error) : errorText(error), errored: true }
  }
}

export function portOf(port: number | string, container: NodeContainer): number {
  if (typeof port === 'number') return port
  const named = container.ports?.find(({ name }) => name === port)?.containerPort
  const number = named ?? (/^\d+$/.test(port) ? Number(port) : 0)
  if (number < 1 || number > 65_535)
    throw new Error(`couldn't find port ${JSON.stringify(port)} in container ${container.name}`)
  return number
}

function tcpProbe(host: string, port: number, signal: AbortSignal): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const fail = (error: Error): void => {
      socket.destroy()
      const timedOut = signal.aborted
      resolve({
        ok: false,
        output: timedOut
          ? `dial tcp ${host}:${port}: i/o timeout`
          : `dial tcp ${host}:${port}: connect: ${goText(error)}`,
      })
    }
    const socket = connect({ host, port })
    const abort = (): void => fail(new Error('timeout'))
    signal.addEventListener('abort', abort, { once: true })
    socket.once('error', fail)
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort)
      socket.destroy()
      resolve({ ok: true, output: '' })
    })
  })
}

function goText(error: Error): string {
  const code = 'code' in error ? error.code : ''
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (code === 'EHOSTUNREACH') return 'no route to host'
  if (code === 'ECONNRESET') return 'connection reset by peer'
  return error.message
}

async function httpProbe(
  action: DeepReadonly<HTTPGetAction>,
  target: ProbeTarget,
  agent: string,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const scheme = (action.scheme ?? 'HTTP').toLowerCase()
  const host = action.host || target.podIP
  const port = portOf(action.port, target.container)
  const path = action.path ?? '/'
  const base = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
  let url = new URL(path.startsWith('/') ? `${base}${path}` : `${base}/${path}`)
  const headers: Record<string, string | string[]> = { 'User-Agent': agent, Accept: '*/*', Connection: 'close' }
  for (const { name, value } of action.httpHeaders ?? []) {
    // An empty value takes the header away.
    if (value === '') delete headers[name]
    else headers[name] = value
  }
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const answer = await get(url, headers, signal).catch((error: unknown) => error)
    if (answer instanceof Error) {
      const why = signal.aborted
        ? String(signal.reason?.message ?? 'context canceled')
        : `dial tcp ${url.host}: connect: ${goText(answer)}`
      return { ok: false, output: `Get "${url.href}": ${why}` }
    }
    const { status, location, body } = answer as Answer
    if (status >= 300 && status < 400 && location !== undefined) {
      const next = new URL(location, url)
      // Following a redirect to another host would let a pod send the agent anywhere: that it answers is enough.
      if (next.hostname !== url.hostname) return { ok: true, output: body }
      url = next
      continue
    }
    if (status >= 200 && status < 400) return { ok: true, output: body }
    return { ok: false, output: `HTTP probe failed with statuscode: ${status}` }
  }
  return { ok: false, output: `stopped after ${MAX_REDIRECTS} redirects` }
}

interface Answer {
  status: number
  location: string | undefined
  body: string
}

function get(url: URL, headers: Record<string, string | string[]>, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // A pod's certificate is its own affair: the probe asks whether it answers, not who it is.
    const options = { headers, signal, agent: false as const, rejectUnauthorized: false, maxHeaderSize: 16 * 1024 }
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options, (response) => {
      const chunks: Buffer[] = []
      let size = 0
      const done = (): void =>
        resolve({
          status: response.statusCode ?? 0,
          location: response.headers.location,
          body: Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES).toString('utf8'),
        })
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        size += chunk.length
        if (size < MAX_BODY_BYTES) return
        done()
        response.destroy()
      })
      response.once('end', done)
      response.once('error', reject)
    })
    request.once('error', reject)
    request.end()
  })
}
