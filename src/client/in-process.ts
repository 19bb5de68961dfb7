// The in-process door: the server's function called directly, with the same authentication, authorisation and admission, and nothing serialised.

import { StatusError, type Status } from '../apimachinery/errors.ts'
import type { Client, ObjectEvent } from './client.ts'
import type { ApiRequest, ApiResponse, Handle, Identity, WatchFrame } from './door.ts'
import { clientOver, type Transport, type TransportRequest } from './door-client.ts'

export interface InProcessOptions {
  handle: Handle
  /** Who the calls are made as. Roles apply to it as to anybody. */
  identity: Identity
  /** Names the component in managedFields and in the history. */
  userAgent: string
}

export function inProcessClient(options: InProcessOptions): Client {
  return clientOver(inProcessTransport(options))
}

const NEVER = new AbortController().signal

function inProcessTransport({ handle, identity, userAgent }: InProcessOptions): Transport {
  const call = async (request: TransportRequest): Promise<ApiResponse> => {
    const headers: Record<string, string> = { 'user-agent': userAgent, accept: 'application/json' }
    if (request.contentType) headers['content-type'] = request.contentType
    const asked: ApiRequest = {
      method: request.method,
      path: request.path,
      query: request.query,
      headers,
      identity,
      signal: request.signal ?? NEVER,
    }
    const response = await handle(request.body === undefined ? asked : { ...asked, object: request.body })
    if (response.status >= 400) throw failure(response)
    return response
  }
  return {
    async request(request) {
      const { body } = await call(request)
      switch (body.kind) {
        case 'object':
          return body.object
        case 'list': {
          const { metadata, items: sources } = body
          return {
            metadata,
            sources,
            get items() {
              return sources.map((item) => item.object)
            },
          }
        }
        case 'bytes':
          return JSON.parse(body.bytes.toString()) as unknown
        case 'pieces':
          return JSON.parse(Buffer.concat(Array.from(body.pieces, (piece) => Buffer.from(piece))).toString()) as unknown
        case 'empty':
          return {}
        case 'watch':
        case 'stream':
          throw new Error(`Bug: ${request.method} ${request.path} answers a stream`)
      }
    },
    async *watch(request) {
      const { body } = await call(request)
      if (body.kind !== 'watch') throw new Error(`Bug: a watch of ${request.path} answers no stream`)
      for await (const batch of body.events) yield batch.map(eventOf)
    },
  }
}

function eventOf(frame: WatchFrame): ObjectEvent<unknown> {
  if (frame.type === 'ERROR') throw new StatusError(frame.object as Status)
  return new FrameEvent(frame.type, frame)
}

/** Looked into when somebody asks. */
class FrameEvent implements ObjectEvent<unknown> {
  readonly type: ObjectEvent<unknown>['type']
  readonly #frame: WatchFrame

  constructor(type: ObjectEvent<unknown>['type'], frame: WatchFrame) {
    this.type = type
    this.#frame = frame
  }

  get object(): ObjectEvent<unknown>['object'] {
    return this.#frame.object
  }

  get source(): NonNullable<ObjectEvent<unknown>['source']> {
    return this.#frame.source ?? this.#frame
  }
}

function failure({ body, status }: ApiResponse): StatusError {
  if (body.kind === 'object') return new StatusError(body.object as Status)
  throw new Error(`Bug: an answer with code ${status} carries no Status`)
}
