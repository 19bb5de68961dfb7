// The API server as a function: a request is a plain value, and so is the answer. HTTPS is one door to it, the in-process client the other.

import type { AnyObject } from '../apimachinery/metadata.ts'
import type { DeepReadonly } from '../apimachinery/resource.ts'

/** Who asks, as authentication found out. */
export interface Identity {
  username: string
  uid?: string
  groups: readonly string[]
  extra?: Readonly<Record<string, readonly string[]>>
}

export interface ApiRequest {
  method: string
  /** The path as it came, percent-encoded, without the query: `/api/v1/namespaces/default/pods/web`. */
  path: string
  query: URLSearchParams
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>
  /** The body as bytes (HTTPS door) … */
  body?: Buffer
  /** … or as a value (in-process door), which the server takes over. */
  object?: unknown
  /** Set by the in-process door; the HTTPS door leaves authentication to the pipeline. */
  identity?: Identity
  /** The verified client certificate (HTTPS door). */
  certificate?: {
    commonName: string
    organizations: readonly string[]
    /** The digest of the whole certificate, in hex. */
    sha256?: string
  }
  /** The address of the peer, for audit. */
  remoteAddress?: string
  /** Aborted when the caller is gone. */
  signal: AbortSignal
}

/** An object as the watch cache holds it: the bytes it is served with, parsed at most once. */
export interface CachedObject {
  /** The store's key. */
  readonly key: string
  /** metadata.resourceVersion. */
  readonly revision: number
  /** JSON with resourceVersion in it. */
  readonly bytes: Buffer
  /** The parsed object; shared by everybody, so read-only. */
  readonly object: DeepReadonly<AnyObject>
  /** The same for one look: parsed anew where nobody has before, and not kept. */
  glance(): DeepReadonly<AnyObject>
}

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'

/** One watch event: framed once, shared by all watchers. */
export interface WatchFrame {
  readonly type: EventType
  /** `{"type":…,"object":…}\n` */
  readonly line: Buffer
  readonly object: DeepReadonly<unknown>
  /** Gives the object again at any time: to keep this takes less memory than to keep the object. */
  readonly source?: ObjectSource
  /** The object for one look, of frames that are many at once: nothing is kept. */
  glance?(): DeepReadonly<unknown>
}

/** Whose object may be parsed when it is asked for. */
export interface ObjectSource {
  readonly object: DeepReadonly<unknown>
  /** The same, cheaper, for who never asks which fields somebody owns. */
  readonly content?: DeepReadonly<unknown>
}

export type ResponseBody =
  | { kind: 'empty' }
  /** Bytes of the response's content-type. */
  | { kind: 'bytes'; bytes: Buffer }
  /** One object; `bytes` is its JSON. */
  | { kind: 'object'; object: DeepReadonly<unknown>; bytes: Buffer }
  /** A list: `head`, the items joined by commas, `tail`. Written out item by item, so that a large list is never one buffer. */
  | {
      kind: 'list'
      metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number }
      head: Buffer
      items: readonly CachedObject[]
      tail: Buffer
    }
  /** A list in another form than the objects are kept in, made while it is written: whole it would be too much at once. A piece is good until the next is taken. */
  | { kind: 'pieces'; pieces: Iterable<Buffer> }
  /** A watch. Each batch is what became ready together; it is written at once. */
  | { kind: 'watch'; events: AsyncIterable<readonly WatchFrame[]> }
  /** Anything else that flows (logs, proxied answers). */
  | { kind: 'stream'; chunks: AsyncIterable<Uint8Array> }

export interface ApiResponse {
  status: number
  headers: Readonly<Record<string, string | readonly string[]>>
  body: ResponseBody
}

/** The whole API server. Never throws: errors are responses carrying a Status. */
export type Handle = (request: ApiRequest) => Promise<ApiResponse>
