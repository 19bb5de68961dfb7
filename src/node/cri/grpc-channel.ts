// One gRPC connection over a unix socket: unary calls and server streams with our codecs, deadlines by Clock, errors as CriError.

import { type CallOptions as GrpcCallOptions, Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import type { Clock, Timer } from '../../base/clock.ts'
import type { Message } from '../../base/protobuf/protobuf.ts'
import { CriError, GRPC_CODES, type GrpcCode } from './cri-error.ts'
import type { CallOptions } from './runtime-client.ts'

/** The largest message in either direction, as upstream's kubelet allows. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024
/** A runtime that restarts is found again within this time. */
const MAX_RECONNECT_BACKOFF_MS = 500

/** One unary method: its path and the codecs of both sides. */
export interface Method<In, Out> {
  readonly path: string
  encode(value: In): Buffer
  decode(bytes: Buffer): Out
}

export function method<ReqOut, In, Out, ResIn>(
  service: string,
  name: string,
  request: Message<ReqOut, In>,
  response: Message<Out, ResIn>,
): Method<In, Out> {
  return { path: `/${service}/${name}`, encode: (v) => request.encode(v), decode: (b) => response.decode(b) }
}

export interface GrpcChannelOptions {
  /** The path of the unix socket. */
  readonly socket: string
  readonly clock: Clock
  /** Sent with every call, such as containerd's namespace. */
  readonly metadata?: Readonly<Record<string, string>>
}

export class GrpcChannel implements AsyncDisposable {
  readonly #client: Client
  readonly #clock: Clock
  readonly #metadata: Metadata

  constructor({ socket, clock, metadata = {} }: GrpcChannelOptions) {
    this.#client = new Client(`unix://${socket}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.min_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': MAX_RECONNECT_BACKOFF_MS,
      'grpc.enable_retries': 0,
      // Without it two clients of one process would share a connection, and closing one would not close it.
      'grpc.use_local_subchannel_pool': 1,
      // Go's gRPC server checks that the authority is a valid name; the path of a socket is not.
      'grpc.default_authority': 'localhost',
    })
    this.#clock = clock
    this.#metadata = new Metadata()
    for (const [key, value] of Object.entries(metadata)) this.#metadata.set(key, value)
  }

  /** One call. `defaultTimeoutMs` undefined = no limit unless the caller sets one. */
  call<In, Out>(
    { path, encode, decode }: Method<In, Out>,
    value: In,
    options: CallOptions = {},
    defaultTimeoutMs?: number,
  ): Promise<Out> {
    const { signal, timeoutMs = defaultTimeoutMs } = options
    const name = path.slice(path.lastIndexOf('/') + 1)
    return new Promise<Out>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      let timer: Timer | undefined
      let expired = false
      const done = (error: ServiceError | null, result?: Out): void => {
        timer?.cancel()
        signal?.removeEventListener('abort', abort)
        if (error === null && result !== undefined) resolve(result)
        else if (signal?.aborted) reject(signal.reason)
        else if (expired) reject(new CriError('DEADLINE_EXCEEDED', `context deadline exceeded`, name))
        else reject(criError(error, name))
      }
      const call = this.#client.makeUnaryRequest<In, Out>(path, encode, decode, value, this.#metadata, done)
      const abort = (): void => call.cancel()
      signal?.addEventListener('abort', abort, { once: true })
      if (timeoutMs !== undefined)
        timer = this.#clock.after(timeoutMs, () => {
          expired = true
          call.cancel()
        })
    })
  }

  /** A server stream. Ends when the server ends it, throws a CriError when it fails and the signal's reason when that is aborted. */
  async *stream<In, Out>(
    { path, encode, decode }: Method<In, Out>,
    value: In,
    signal: AbortSignal,
    options: { waitForReady?: boolean; onOpen?: () => void } = {},
  ): AsyncGenerator<Out, void, undefined> {
    signal.throwIfAborted()
    const name = path.slice(path.lastIndexOf('/') + 1)
    const metadata = this.#metadata.clone()
    if (options.waitForReady) metadata.setOptions({ waitForReady: true })
    const callOptions: GrpcCallOptions = {}
    const call = this.#client.makeServerStreamRequest<In, Out>(path, encode, decode, value, metadata, callOptions)
    const abort = (): void => call.cancel()
    signal.addEventListener('abort', abort, { once: true })
    try {
      for await (const item of call) yield item as Out
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw criError(error, name)
    } finally {
      signal.removeEventListener('abort', abort)
      call.cancel()
    }
  }

  /** Resolves when the socket accepts connections. */
  ready(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const abort = (): void => reject(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      this.#client.waitForReady(Number.POSITIVE_INFINITY, (error) => {
        signal.removeEventListener('abort', abort)
        if (error) reject(new CriError('UNAVAILABLE', error.message, 'connect'))
        else resolve()
      })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close()
  }
}

function criError(error: unknown, method: string): CriError {
  if (!isServiceError(error))
    return new CriError('INTERNAL', error instanceof Error ? error.message : String(error), method)
  const code: GrpcCode = GRPC_CODES[error.code] ?? 'UNKNOWN'
  return new CriError(code, error.details, method, { cause: error })
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error
}

/** The socket's path in an endpoint as `--container-runtime-endpoint` takes it: `unix:///run/x.sock`, or the path alone. */
export function socketOfEndpoint(endpoint: string): string {
  const path = endpoint.startsWith('unix://') ? endpoint.slice('unix://'.length) : endpoint
  if (!path.startsWith('/'))
    throw new Error(`Cannot use runtime endpoint "${endpoint}": it must be unix:///PATH or /PATH`)
  return path
}
