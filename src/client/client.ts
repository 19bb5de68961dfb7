// What controllers, scheduler, node agent and command line see of an API server, whichever door leads to it.

import type { ObjectKey } from '../apimachinery/metadata.ts'
import type { DeepReadonly, Resource } from '../apimachinery/resource.ts'
import type { EventType } from './door.ts'

export interface CallOptions {
  signal?: AbortSignal
}

export interface GetOptions extends CallOptions {
  resourceVersion?: string
}

export interface ListOptions extends CallOptions {
  /** Absent: all namespaces. */
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
  limit?: number
  continue?: string
  /** `'0'`: whatever the server's cache has. Absent: consistent. */
  resourceVersion?: string
}

export interface WatchOptions extends CallOptions {
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
  /** Events after this revision. Absent with `sendInitialEvents`: a consistent snapshot first. */
  resourceVersion?: string
  sendInitialEvents?: boolean
  allowWatchBookmarks?: boolean
  timeoutSeconds?: number
}

export interface WriteOptions extends CallOptions {
  /** `status`, `scale`, … */
  subresource?: string
  dryRun?: boolean
  fieldManager?: string
}

export interface DeleteOptions extends CallOptions {
  gracePeriodSeconds?: number
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan'
  /** The object must still be this one. */
  preconditions?: { uid?: string; resourceVersion?: string }
  dryRun?: boolean
}

export type Patch =
  | { type: 'merge'; body: unknown }
  | { type: 'strategic'; body: unknown }
  | { type: 'json'; body: readonly unknown[] }
  | { type: 'apply'; body: unknown; force?: boolean }

export interface ObjectList<T> {
  items: readonly DeepReadonly<T>[]
  resourceVersion: string
  continue?: string
  remainingItemCount?: number
  /** The items, each as what gives it again: to keep these takes less memory. Absent where the server is elsewhere. */
  sources?: readonly ObjectSource<T>[]
}

/** Where an object can be had again: from the server's cache, when that is in this process. */
export interface ObjectSource<T> {
  readonly object: DeepReadonly<T>
  /** The same, cheaper, for who never asks which fields somebody owns. */
  readonly content?: DeepReadonly<T>
}

export interface ObjectEvent<T> {
  type: Exclude<EventType, 'ERROR'>
  /** For BOOKMARK: only metadata.resourceVersion (and annotations) are meaningful. */
  readonly object: DeepReadonly<T>
  /** Gives the object again; absent where the server is elsewhere. */
  readonly source?: ObjectSource<T>
}

/**
 * A typed client. Errors are `StatusError`s as the server sent them; a server that cannot be reached is an ordinary error with a `cause`.
 * What it hands out may be the server's own cached object: read-only all the way down.
 */
export interface Client {
  get<T>(resource: Resource<T>, key: ObjectKey, options?: GetOptions): Promise<DeepReadonly<T>>
  list<T>(resource: Resource<T>, options?: ListOptions): Promise<ObjectList<T>>
  /** Batches of events. Ends when the server ends it; throws a StatusError on an ERROR event (410 Expired: list again). */
  watch<T>(resource: Resource<T>, options: WatchOptions): AsyncIterable<readonly ObjectEvent<T>[]>
  create<T>(resource: Resource<T>, object: DeepReadonly<T>, options?: WriteOptions): Promise<DeepReadonly<T>>
  update<T>(resource: Resource<T>, object: DeepReadonly<T>, options?: WriteOptions): Promise<DeepReadonly<T>>
  patch<T>(resource: Resource<T>, key: ObjectKey, patch: Patch, options?: WriteOptions): Promise<DeepReadonly<T>>
  delete<T>(resource: Resource<T>, key: ObjectKey, options?: DeleteOptions): Promise<void>
  deleteCollection<T>(resource: Resource<T>, options: DeleteOptions & ListOptions): Promise<void>
  /** POST to a subresource with a body of another kind: `post(pods, key, 'binding', binding)`, `post(serviceAccounts, key, 'token', tokenRequest)`. */
  post<T>(
    resource: Resource<T>,
    key: ObjectKey,
    subresource: string,
    body: object,
    options?: CallOptions,
  ): Promise<unknown>
  /** GET of any path as JSON: discovery, `/version`, `/readyz`. */
  raw(path: string, options?: CallOptions): Promise<unknown>
}
