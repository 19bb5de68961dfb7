// The agent's own API over TLS: logs, exec, attach, port-forward, pods, figures. Who may ask is for `callers.ts` to say.

import { createServer, type Server } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorText } from '../../base/log.ts'
import { rejectUpgrade, UpgradeRefused } from '../../streams/upgrade/reject.ts'
import type { NodeContext } from '../context.ts'
import { readLog } from '../logs/reader.ts'
import type { PodSet } from '../pods/pod-set.ts'
import { Callers } from './callers.ts'
import { HttpError, logContainer, type PodAccess } from './pod-access.ts'
import { serveCommand, servePortForward, type StreamingContext, type Upgrade } from './streaming.ts'
import { cadvisorMetrics } from './cadvisor.ts'
import { agentMetrics, resourceMetrics, summary } from './summary.ts'

export interface AgentServerOptions {
  readonly host: string
  /** The first to try; when it is taken, the next free one. */
  readonly port: number
  /** PEM. */
  readonly certificate: string
  readonly key: string
  readonly clientCA: string
  /** Gets what is to be called with every renewed certificate. */
  onRenewal?(serve: (renewed: { readonly certificate: string; readonly key: string }) => void): void
  /** Whether a client with this verified certificate may use all of the API; of others the API server is asked. */
  authorize(subject: { readonly commonName: string; readonly organizations: readonly string[] }): boolean
}

export interface AgentServer extends AsyncDisposable {
  readonly port: number
}

/** So many ports are tried. */
const PORT_TRIES = 100
const MAX_TAIL_LINES = 2 ** 31

export async function startAgentServer(
  options: AgentServerOptions,
  context: NodeContext,
  pods: PodSet,
): Promise<AgentServer> {
  const stop = new AbortController()
  const { runtime, clock, log } = context
  const access: PodAccess = { runtime, pod: (namespace, name) => pods.get(namespace, name) }
  const streaming: StreamingContext = { access, runtime, clock, log, signal: stop.signal }
  const callers = new Callers({
    client: context.client,
    clock,
    nodeName: context.nodeName,
    authorize: (subject) => options.authorize(subject),
  })
  const server = createServer({
    cert: options.certificate,
    key: options.key,
    ca: options.clientCA,
    requestCert: true,
    // Who has no certificate may have a token.
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
  })
  server.on('request', (request, response) => {
    void callers
      .check(request)
      .then(() => serve({ request, response, access, pods, context, signal: stop.signal }))
      .catch((error: unknown) => fail(response, error))
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const asked = { request, socket, head, query: urlOf(request).searchParams }
    const served = callers.check(request).then(() => upgrade(streaming, asked))
    void served.catch((error: unknown) => {
      if (error instanceof UpgradeRefused) return
      if (error instanceof HttpError) rejectUpgrade(socket, error.code, error.message)
      else {
        log.debug('A stream failed', { path: request.url, error })
        rejectUpgrade(socket, 500, errorText(error))
      }
    })
  })
  options.onRenewal?.(({ certificate, key }) =>
    server.setSecureContext({ cert: certificate, key, ca: options.clientCA }),
  )
  const port = await listen(server, options)
  log.info('Serves the API of the agent', { host: options.host, port })
  return {
    port,
    async [Symbol.asyncDispose]() {
      stop.abort()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

async function listen(server: Server, { host, port }: AgentServerOptions): Promise<number> {
  for (let offset = 0; ; offset++) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen({ host, port: port === 0 ? 0 : port + offset }, () => {
          server.off('error', reject)
          resolve()
        })
      })
      const address = server.address()
      return typeof address === 'object' && address !== null ? address.port : port
    } catch (error) {
      const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
      if (!taken || offset >= PORT_TRIES) throw error
    }
  }
}

const urlOf = ({ url = '/' }: IncomingMessage): URL => new URL(url, 'https://agent')

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly access: PodAccess
  readonly pods: PodSet
  readonly context: NodeContext
  readonly signal: AbortSignal
}

async function serve(exchange: Exchange): Promise<void> {
  const { request, response, pods, context } = exchange
  const { pathname } = urlOf(request)
  const [, first, ...names] = pathname.split('/')
  if (['exec', 'attach', 'portForward'].includes(first ?? ''))
    throw new HttpError(400, 'you must upgrade the connection')
  if (request.method !== 'GET' && request.method !== 'HEAD') throw new HttpError(405, 'Method Not Allowed')
  if (first === 'containerLogs') return await serveLog(exchange, names.map(decodeURIComponent))
  switch (pathname) {
    case '/healthz':
    case '/healthz/ping':
      return answer(response, 200, 'ok')
    case '/pods':
    case '/pods/': {
      const list = { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: pods.list() }
      return answer(response, 200, JSON.stringify(list), 'application/json')
    }
    case '/stats/summary':
      return answer(response, 200, JSON.stringify(summary(context, pods.list())), 'application/json')
    case '/metrics':
      return answer(response, 200, agentMetrics(context, pods.list()), 'text/plain; version=0.0.4')
    case '/metrics/cadvisor':
      return answer(response, 200, cadvisorMetrics(context, pods.list()), 'text/plain; version=0.0.4')
    case '/metrics/resource':
      return answer(response, 200, resourceMetrics(context, pods.list()), 'text/plain; version=0.0.4')
    default:
      throw new HttpError(404, '404 page not found')
  }
}

async function serveLog(
  { request, response, access, pods, context, signal }: Exchange,
  names: readonly string[],
): Promise<void> {
  const [namespace = '', pod = '', container = ''] = names
  const { searchParams: query } = urlOf(request)
  const flag = (name: string): boolean => query.get(name) === 'true' || query.get(name) === '1'
  const number = (name: string): number | undefined => {
    const text = query.get(name)
    if (text === null || text === '') return undefined
    if (!/^\d{1,15}$/.test(text)) throw new HttpError(400, `invalid value ${JSON.stringify(text)} of ${name}`)
    return Number(text)
  }
  const sinceSeconds = number('sinceSeconds')
  const sinceTime = query.get('sinceTime')
  const since =
    sinceSeconds !== undefined
      ? context.clock.now() - sinceSeconds * 1000
      : sinceTime
        ? Date.parse(sinceTime)
        : undefined
  if (since !== undefined && Number.isNaN(since))
    throw new HttpError(400, `invalid value ${JSON.stringify(sinceTime)} of sinceTime`)
  const tailLines = number('tailLines')
  const limitBytes = number('limitBytes')
  const stream = query.get('stream')?.toLowerCase()
  const follow = flag('follow')
  const found = await logContainer(access, { namespace, pod, container, previous: flag('previous') })
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  using ended = pods.endOf(found)
  const lines = readLog(
    found.logPath,
    {
      follow: follow && found.state === 'CONTAINER_RUNNING',
      timestamps: flag('timestamps'),
      ...(tailLines === undefined ? {} : { tailLines: Math.min(tailLines, MAX_TAIL_LINES) }),
      ...(since === undefined ? {} : { since }),
      ...(limitBytes === undefined ? {} : { limitBytes }),
      ...(stream === 'stdout' || stream === 'stderr' ? { stream } : {}),
    },
    { signal: AbortSignal.any([gone.signal, signal]), ended: ended.signal },
  )
  response.writeHead(200, { 'content-type': 'text/plain' })
  // Whoever follows wants to know at once that there is something to follow.
  response.flushHeaders()
  for await (const chunk of lines) {
    if (gone.signal.aborted) break
    if (!response.write(chunk)) await drained(response)
  }
  response.end()
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.once('drain', done)
    response.once('close', done)
  })
}

async function upgrade(context: StreamingContext, asked: Upgrade): Promise<void> {
  const [, sort, namespace = '', pod = '', container = '', ...rest] = urlOf(asked.request)
    .pathname.split('/')
    .map(decodeURIComponent)
  if (rest.length > 0 || namespace === '' || pod === '') throw new HttpError(404, '404 page not found')
  if (sort === 'exec' || sort === 'attach')
    return await serveCommand(context, sort, { namespace, pod, container }, asked)
  if (sort === 'portForward') return await servePortForward(context, { namespace, pod }, asked)
  throw new HttpError(404, '404 page not found')
}

function answer(response: ServerResponse, code: number, body: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(code, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy()
  if (error instanceof HttpError) answer(response, error.code, error.message)
  else answer(response, 500, errorText(error))
}
