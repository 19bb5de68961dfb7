// The engine of every controller: informers, a queue of keys, workers, back-off. A controller is one declaration and its reconcile function.

import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { errorText } from '../base/log.ts'
import { isConflict } from '../apimachinery/errors.ts'
import type { AnyObject, ObjectKey } from '../apimachinery/metadata.ts'
import type { DeepReadonly, Resource } from '../apimachinery/resource.ts'
import type { Client } from '../client/client.ts'
import type { EventRecorder } from '../client/events.ts'
import type { Informer } from '../client/informer.ts'
import { type InformerSet, ORPHAN_INDEX, OWNER_INDEX } from '../client/informer-set.ts'
import { OwnWrites } from './own-writes.ts'
import { keyOf, keyText, parseKey } from './keys.ts'
import { WorkQueue } from './queue.ts'

/** Work that must not be tried again before something changes. */
export class TerminalError extends Error {}

/** A resource of which only the name matters: its objects' type is nobody's concern where this is asked for. */
export type AnyKind = Pick<Resource, 'group' | 'version' | 'kind' | 'plural' | 'groupResource'>

/** What the informers of a controller know; read-only. */
export interface Cache {
  get<T>(resource: Resource<T>, key: ObjectKey): DeepReadonly<T> | undefined
  list<T>(resource: Resource<T>, namespace?: string): DeepReadonly<T>[]
  /** The keys of those objects of a namespace that suit: what a change of another object is asked for, which mostly suits none. */
  keysOf<T>(
    resource: Resource<T>,
    namespace: string | undefined,
    suits: (object: DeepReadonly<T>) => boolean,
  ): readonly ObjectKey[]
  /** The objects controlled by the owner of this uid (`metadata.ownerReferences` with `controller: true`). */
  ownedBy<T>(resource: Resource<T>, uid: string): DeepReadonly<T>[]
  /** The objects of a namespace that nobody controls. */
  orphans<T>(resource: Resource<T>, namespace: string): DeepReadonly<T>[]
  /** Everything up to this resource version is in the cache. */
  hasSeen(resource: AnyKind, resourceVersion: string): boolean
}

export interface ReconcileContext {
  api: Client
  cache: Cache
  /** What this controller wrote and its cache may not show yet. */
  writes: OwnWrites
  clock: Clock
  random: Random
  log: Logger
  events: EventRecorder
  /** Aborted when the controller stops. */
  signal: AbortSignal
}

/** `{ after }`: look again in so many milliseconds, whatever happens. */
export type ReconcileResult = undefined | { after: number }

export interface WatchSource<T> {
  resource: Resource<T>
  /** The keys to reconcile when this object changes. */
  toKeys(object: DeepReadonly<T>, cache: Cache): readonly ObjectKey[]
}

/** Helps TypeScript to infer the object's type of one entry of `watches`. */
export function watches<T>(source: WatchSource<T>): WatchSource<unknown> {
  return source as unknown as WatchSource<unknown>
}

export interface ControllerOptions<T> {
  /** Upstream's name, as in `--controllers`: `replicaset-controller`. */
  name: string
  /** The service account in kube-system that it acts as, when not called the same. */
  account?: string
  for: Resource<T>
  /** Children: a change of one reconciles the owner of kind `for` that controls it. */
  owns?: readonly AnyKind[]
  watches?: readonly WatchSource<unknown>[]
  /** Resources that reconcile reads but whose changes need no work. */
  reads?: readonly AnyKind[]
  /** Keys worked on at once; 5 unless said. */
  workers?: number
  reconcile(context: ReconcileContext, key: ObjectKey): Promise<ReconcileResult>
}

/** A declared controller; `for` may be any kind. */
export interface Controller extends Omit<ControllerOptions<AnyObject>, 'for'> {
  for: Resource<AnyObject>
}

export function defineController<T>(options: ControllerOptions<T>): Controller {
  return options as unknown as Controller
}

export interface ControllerEnvironment {
  client: Client
  informers: InformerSet
  events: EventRecorder
  clock: Clock
  random: Random
  log: Logger
}

export interface RunningController extends AsyncDisposable {
  readonly name: string
  /** Nothing is queued or being worked on. */
  readonly idle: boolean
}

const DEFAULT_WORKERS = 5

export function startController(controller: Controller, environment: ControllerEnvironment): RunningController {
  const { clock, informers } = environment
  const queue = new WorkQueue(clock)
  const stop = new AbortController()
  const cache = cacheOver(informers)
  const sources = connect(controller, informers, cache, queue)
  const log = environment.log.child({ controller: controller.name })
  const context: ReconcileContext = {
    api: environment.client,
    cache,
    writes: new OwnWrites(cache),
    clock,
    random: environment.random,
    log,
    events: environment.events,
    signal: stop.signal,
  }
  const workers = run(controller, context, queue, sources)
  return {
    name: controller.name,
    get idle() {
      return queue.idle && sources.every((source) => source.hasSynced)
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      queue.close()
      await workers
    },
  }
}

async function run(
  controller: Controller,
  context: ReconcileContext,
  queue: WorkQueue,
  sources: readonly Informer<never>[],
): Promise<void> {
  // A decision on a half-filled cache would be a wrong one.
  await Promise.race([
    Promise.all(sources.map((s) => s.synced)),
    new Promise((resolve) => context.signal.addEventListener('abort', resolve, { once: true })),
  ])
  if (context.signal.aborted) return
  const workers = Array.from({ length: controller.workers ?? DEFAULT_WORKERS }, () => work(controller, context, queue))
  await Promise.all(workers)
}

async function work(controller: Controller, context: ReconcileContext, queue: WorkQueue): Promise<void> {
  for (;;) {
    const text = await queue.take()
    if (text === undefined) return
    try {
      const result = await controller.reconcile(context, parseKey(text))
      queue.forget(text)
      if (result) queue.addAfter(text, result.after)
    } catch (error) {
      handle(error, text, context, queue)
    } finally {
      queue.done(text)
    }
  }
}

function handle(error: unknown, key: string, { log, signal }: ReconcileContext, queue: WorkQueue): void {
  if (signal.aborted) return
  if (error instanceof TerminalError) {
    log.error('Gave up on an object', { key, error })
    return
  }
  // The cache was behind: what it missed is on its way, and the retry decides again.
  if (isConflict(error)) log.debug('Retried after a conflict', { key, reason: errorText(error) })
  else log.warn('Failed to reconcile', { key, error })
  queue.addLater(key)
}

/** Starts (or joins) the informers that the controller needs and leads their changes to its queue. */
function connect(controller: Controller, informers: InformerSet, cache: Cache, queue: WorkQueue): Informer<never>[] {
  const own = informers.of(controller.for)
  own.onChange(({ object }) => queue.add(keyText(object.metadata)))
  const sources: Informer<never>[] = [own as unknown as Informer<never>]
  for (const resource of controller.owns ?? []) {
    const informer = informers.of(resource as unknown as Resource<AnyObject>)
    const addOwner = ({ metadata: { ownerReferences, namespace } }: DeepReadonly<AnyObject>): void => {
      const owner = ownerReferences?.find((o) => o.controller)
      if (owner?.kind !== controller.for.kind || !sameGroup(owner.apiVersion, controller.for.apiVersion)) return
      const { name } = owner
      queue.add(keyText(controller.for.scope === 'Namespaced' && namespace ? { namespace, name } : { name }))
    }
    informer.onChange(({ object, previous }) => {
      addOwner(object)
      if (previous) addOwner(previous)
    })
    sources.push(informer as unknown as Informer<never>)
  }
  for (const source of controller.watches ?? []) {
    const informer = informers.of(source.resource)
    informer.onChange(({ object, previous }) => {
      for (const key of source.toKeys(object, cache)) queue.add(keyText(key))
      if (previous !== undefined) for (const key of source.toKeys(previous, cache)) queue.add(keyText(key))
    })
    sources.push(informer as unknown as Informer<never>)
  }
  for (const resource of controller.reads ?? []) sources.push(informers.of(resource as unknown as Resource<never>))
  return sources
}

const NO_KEYS: readonly ObjectKey[] = []

export function cacheOver(informers: InformerSet): Cache {
  return {
    get: (resource, key) => informers.of(resource).get(key),
    list: (resource, namespace) => informers.of(resource).list(namespace),
    keysOf(resource, namespace, suits) {
      const objects = informers.of(resource).list(namespace)
      if (objects.length === 0) return NO_KEYS
      return objects.filter(suits).map((object) => keyOf(object as unknown as DeepReadonly<AnyObject>))
    },
    ownedBy: (resource, uid) => informers.of(resource).by(OWNER_INDEX, uid),
    orphans: (resource, namespace) => informers.of(resource).by(ORPHAN_INDEX, namespace),
    // Revisions are the store's counter, so later is greater.
    hasSeen: (resource, resourceVersion) =>
      Number(informers.of(resource as unknown as Resource).revision) >= Number(resourceVersion),
  }
}

const sameGroup = (a: string, b: string): boolean => groupOf(a) === groupOf(b)
const groupOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
