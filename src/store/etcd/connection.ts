// The way to etcd: one gRPC connection per endpoint, of which one is used until it fails; calls that may be repeated are.

import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { type Clock, sleep, type Timer } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import { EtcdError, etcdError, isFailure } from './etcd-error.ts'
import type { Method } from './methods.ts'

/** One answer; a page of a list that is larger is asked for in halves. */
const MAX_MESSAGE_BYTES = 512 * 1024 * 1024
/** Of one try. An etcd that has lost its quorum answers later than this, or never. */
const TRY_TIMEOUT_MS = 8_000
/** How long a call that may be repeated is repeated. */
const PATIENCE_MS = 15_000
const RETRY_PAUSE_MS = 100
const MAX_RECONNECT_BACKOFF_MS = 500
/** As upstream's API server: a dead connection is found within 40 seconds. More often than each 5 seconds etcd takes for an attack. */
const KEEPALIVE_TIME_MS = 30_000
const KEEPALIVE_TIMEOUT_MS = 10_000

/** PEM texts. */
export interface EtcdTls {
  readonly ca?: string
  readonly certificate?: string
  readonly key?: string
}

export interface ConnectionOptions {
  /** `http://host:port` or `https://host:port`, of members of one cluster. */
  readonly endpoints: readonly string[]
  readonly tls?: EtcdTls
  readonly clock: Clock
  readonly log: Logger
}

export class Connection implements AsyncDisposable {
  readonly #clients: readonly Client[]
  readonly #options: ConnectionOptions
  /** A member without a leader ends streams instead of being silent. */
  readonly #metadata = new Metadata()
  readonly #closed = new AbortController()
  #current = 0

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#clients = options.endpoints.map((endpoint) => clientOf(endpoint, options.tls))
    this.#metadata.set('hasleader', 'true')
  }

  /** One call, repeated until it has an answer when `repeatable`, and otherwise only when it certainly did not leave. Throws `EtcdError`. */
  async call<In, Out>(method: Method<In, Out>, request: In, repeatable: boolean): Promise<Out> {
    const { clock, log } = this.#options
    const end = clock.monotonic() + PATIENCE_MS
    for (let tries = 1; ; tries++) {
      const at = this.#current
      try {
        return await this.#try(method, request, at)
      } catch (error) {
        const again = isFailure(error, 'never-sent') || (repeatable && isFailure(error, 'unreachable'))
        if (isFailure(error, 'never-sent', 'unreachable')) this.#turnFrom(at)
        if (!again || this.#closed.signal.aborted || clock.monotonic() >= end) throw error
        log.debug('Could not reach etcd', { endpoint: this.#options.endpoints[at], error })
        // Every endpoint is tried before there is a pause.
        if (tries % this.#clients.length === 0) await sleep(clock, RETRY_PAUSE_MS, this.#closed.signal)
      }
    }
  }

  /** A stream in both directions on the endpoint that is used now. It ends with an error of gRPC; `failed` then lets others use another endpoint. */
  open<In, Out>({ path, encode, decode }: Method<In, Out>): { stream: ClientDuplexStream<In, Out>; failed(): void } {
    const at = this.#current
    const stream = this.#client(at).makeBidiStreamRequest<In, Out>(path, encode, decode, this.#metadata)
    return { stream, failed: () => this.#turnFrom(at) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new Error('The connection to etcd was closed'))
    for (const client of this.#clients) client.close()
  }

  #turnFrom(endpoint: number): void {
    if (this.#current === endpoint) this.#current = (endpoint + 1) % this.#clients.length
  }

  #client(endpoint: number): Client {
    const client = this.#clients[endpoint]
    if (client === undefined) throw new Error(`There is no endpoint ${endpoint}`)
    return client
  }

  #try<In, Out>({ path, encode, decode }: Method<In, Out>, request: In, endpoint: number): Promise<Out> {
    const name = path.slice(path.lastIndexOf('/') + 1)
    return new Promise<Out>((resolve, reject) => {
      let timer: Timer | undefined
      let late = false
      const done = (error: ServiceError | null, response?: Out): void => {
        timer?.cancel()
        if (late) reject(new EtcdError('unreachable', `etcd did not answer ${name} within ${TRY_TIMEOUT_MS / 1000} s`))
        else if (error !== null || response === undefined) reject(etcdError(error, name))
        else resolve(response)
      }
      const call = this.#client(endpoint).makeUnaryRequest<In, Out>(path, encode, decode, request, this.#metadata, done)
      timer = this.#options.clock.after(TRY_TIMEOUT_MS, () => {
        late = true
        call.cancel()
      })
    })
  }
}

function clientOf(endpoint: string, tls: EtcdTls | undefined): Client {
  const { protocol, host, hostname } = new URL(endpoint)
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text))
  const address = hostname.replace(/^\[(.*)\]$/, '$1')
  const secure = protocol === 'https:'
  // TLS has no way to name an address to the server; the server's certificate still has to be for that address.
  const unnamed = secure && isIP(address) !== 0
  const verify = unnamed
    ? { checkServerIdentity: (_: string, shown: PeerCertificate) => checkServerIdentity(address, shown) }
    : {}
  const channel = secure
    ? credentials.createSsl(pem(tls?.ca), pem(tls?.key), pem(tls?.certificate), verify)
    : credentials.createInsecure()
  return new Client(`dns:${host}`, channel, {
    ...(unnamed ? { 'grpc.ssl_target_name_override': 'localhost' } : {}),
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.min_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': MAX_RECONNECT_BACKOFF_MS,
    'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    'grpc.enable_retries': 0,
    // etcd is reached directly: a proxy of the environment is for images and the like.
    'grpc.enable_http_proxy': 0,
    // Two stores of one process share nothing.
    'grpc.use_local_subchannel_pool': 1,
  })
}

/** The parts of `https://a:2379,https://b:2379`, or an error that says what is wrong. */
export function parseEndpoints(text: string): string[] {
  const endpoints = text.split(',').map((part) => part.trim())
  for (const endpoint of endpoints) {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
    const right = url && (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname !== ''
    if (!right || url.username !== '' || url.search !== '' || url.hash !== '' || url.pathname.length > 1)
      throw new Error(`"${endpoint}" is not an etcd endpoint: it must be http://HOST:PORT or https://HOST:PORT`)
  }
  return endpoints
}
