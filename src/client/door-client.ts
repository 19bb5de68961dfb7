// The client's verbs over a transport; the two doors differ in the transport only.

import type { ObjectKey } from '../apimachinery/metadata.ts'
import type { DeepReadonly, Resource } from '../apimachinery/resource.ts'
import type {
  CallOptions,
  Client,
  DeleteOptions,
  ListOptions,
  ObjectEvent,
  ObjectList,
  ObjectSource,
  Patch,
  WatchOptions,
  WriteOptions,
} from './client.ts'
import {
  collectionPath,
  deleteBody,
  listQuery,
  objectPath,
  PATCH_CONTENT_TYPES,
  type ResourcePath,
  watchQuery,
  writeQuery,
} from './paths.ts'

export interface TransportRequest {
  method: string
  path: string
  query: URLSearchParams
  /** The body as a value, and how it is encoded. */
  body?: unknown
  contentType?: string
  signal?: AbortSignal | undefined
}

/** One way to an API server. Throws a StatusError for an answer that is an error. */
export interface Transport {
  /** The answer's value. For lists: `{ metadata, items }`, and `sources` where the server is in this process. */
  request(request: TransportRequest): Promise<DeepReadonly<unknown>>
  /** Batches of events; throws a StatusError on an ERROR event. */
  watch(request: TransportRequest): AsyncIterable<readonly ObjectEvent<unknown>[]>
}

interface ListValue<T> {
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number }
  items: readonly DeepReadonly<T>[] | null
  sources?: readonly ObjectSource<T>[]
}

export function clientOver(transport: Transport): Client {
  const send = async <T>(request: TransportRequest): Promise<DeepReadonly<T>> =>
    (await transport.request(request)) as DeepReadonly<T>
  return {
    get: (resource, key, options = {}) =>
      send({
        method: 'GET',
        path: objectPath(resource, key),
        query: new URLSearchParams(options.resourceVersion ? { resourceVersion: options.resourceVersion } : {}),
        signal: options.signal,
      }),
    async list<T>(resource: Resource<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
      const path = collectionPath(resource, options.namespace)
      const value = (await send<ListValue<T>>({
        method: 'GET',
        path,
        query: listQuery(options),
        signal: options.signal,
      })) as ListValue<T>
      const { sources } = value
      return {
        ...value.metadata,
        // Who takes the sources may not want all items at once.
        get items() {
          return value.items ?? []
        },
        ...(sources ? { sources } : {}),
      }
    },
    watch: <T>(resource: Resource<T>, options: WatchOptions) =>
      transport.watch({
        method: 'GET',
        path: collectionPath(resource, options.namespace),
        query: watchQuery(options),
        signal: options.signal,
      }) as AsyncIterable<readonly ObjectEvent<T>[]>,
    create: (resource, object, options = {}) =>
      send({
        method: 'POST',
        path: collectionPath(resource, namespaceOf(object)),
        query: writeQuery(options),
        body: object,
        signal: options.signal,
      }),
    update: (resource, object, options = {}) =>
      send({
        method: 'PUT',
        path: objectPath(resource, keyOf(object), options.subresource),
        query: writeQuery(options),
        body: object,
        signal: options.signal,
      }),
    patch: (resource, key, patch, options = {}) => send(patchRequest(resource, key, patch, options)),
    async delete(resource, key, options = {}) {
      await send({
        method: 'DELETE',
        path: objectPath(resource, key),
        query: new URLSearchParams(),
        body: deleteBody(options),
        signal: options.signal,
      })
    },
    async deleteCollection(resource, options: DeleteOptions & ListOptions) {
      const path = collectionPath(resource, options.namespace)
      await send({
        method: 'DELETE',
        path,
        query: listQuery(options),
        body: deleteBody(options),
        signal: options.signal,
      })
    },
    post: (resource, key, subresource, body, options: CallOptions = {}) =>
      send({
        method: 'POST',
        path: objectPath(resource, key, subresource),
        query: new URLSearchParams(),
        body,
        signal: options.signal,
      }),
    raw(path, options: CallOptions = {}) {
      const mark = path.indexOf('?')
      const query = new URLSearchParams(mark < 0 ? '' : path.slice(mark + 1))
      return send({ method: 'GET', path: mark < 0 ? path : path.slice(0, mark), query, signal: options.signal })
    },
  }
}

function patchRequest(resource: ResourcePath, key: ObjectKey, patch: Patch, options: WriteOptions): TransportRequest {
  const query = writeQuery(options)
  if (patch.type === 'apply' && patch.force) query.set('force', 'true')
  const path = objectPath(resource, key, options.subresource)
  return {
    method: 'PATCH',
    path,
    query,
    body: patch.body,
    contentType: PATCH_CONTENT_TYPES[patch.type],
    signal: options.signal,
  }
}

function keyOf(object: unknown): ObjectKey {
  const { metadata } = object as { metadata: ObjectKey }
  return metadata.namespace === undefined
    ? { name: metadata.name }
    : { namespace: metadata.namespace, name: metadata.name }
}

function namespaceOf(object: unknown): string | undefined {
  return (object as { metadata: { namespace?: string } }).metadata.namespace
}
