// The configMaps and secrets that pods of this node use: each watched while somebody uses it, and nothing else.

import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Resource } from '../../apimachinery/resource.ts'
import { configMaps } from '../../api/core/config-map.ts'
import type { NodePod } from '../pods/model.ts'
import { uidOf } from '../pods/model.ts'
import { secrets } from '../../api/core/secret.ts'
import type { Client } from '../../client/client.ts'
import { type Informer, startInformer } from '../../client/informer.ts'
import type { ConfigObjects } from '../pods/environment.ts'

interface Watched {
  readonly informer: Informer<never>
  readonly users: Set<string>
}

type Sort = 'configMap' | 'secret'

export class ObjectWatch implements AsyncDisposable {
  readonly #options: { client: Client; clock: Clock; log: Logger; onChange: (podUid: string) => void }
  readonly #watched = new Map<string, Watched>()
  /** What each pod uses, by uid. */
  readonly #uses = new Map<string, Set<string>>()

  constructor(options: { client: Client; clock: Clock; log: Logger; onChange: (podUid: string) => void }) {
    this.#options = options
  }

  /** Watches what the pod refers to; resolves when all of it is known. */
  async use(pod: NodePod, signal: AbortSignal): Promise<ConfigObjects> {
    const { namespace = '' } = pod.metadata
    const uid = uidOf(pod)
    const keys = new Set<string>()
    const waits: Promise<void>[] = []
    for (const { sort, name } of referencesOf(pod)) {
      const key = `${sort}/${namespace}/${name}`
      if (keys.has(key)) continue
      keys.add(key)
      const watched = this.#watch(key, sort, namespace, name)
      watched.users.add(uid)
      waits.push(watched.informer.synced)
    }
    for (const key of this.#uses.get(uid) ?? []) if (!keys.has(key)) this.#drop(key, uid)
    this.#uses.set(uid, keys)
    await abortable(Promise.all(waits), signal)
    const look = <T>(sort: Sort, name: string): T | undefined =>
      this.#watched.get(`${sort}/${namespace}/${name}`)?.informer.get({ namespace, name }) as T | undefined
    return { configMap: (name) => look('configMap', name), secret: (name) => look('secret', name) }
  }

  release(podUid: string): void {
    for (const key of this.#uses.get(podUid) ?? []) this.#drop(key, podUid)
    this.#uses.delete(podUid)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#watched.values()].map(({ informer }) => informer[Symbol.asyncDispose]()))
    this.#watched.clear()
  }

  #watch(key: string, sort: Sort, namespace: string, name: string): Watched {
    const known = this.#watched.get(key)
    if (known !== undefined) return known
    const { client, clock, log } = this.#options
    const resource = (sort === 'configMap' ? configMaps : secrets) as unknown as Resource<never>
    const informer = startInformer({ client, resource, namespace, fieldSelector: `metadata.name=${name}`, clock, log })
    const watched = { informer, users: new Set<string>() }
    this.#watched.set(key, watched)
    // What was there at first is no change.
    void informer.synced.then(() => {
      let first = true
      informer.onChange(() => {
        if (!first) for (const uid of watched.users) this.#options.onChange(uid)
      })
      first = false
    })
    return watched
  }

  #drop(key: string, podUid: string): void {
    const watched = this.#watched.get(key)
    if (watched === undefined) return
    watched.users.delete(podUid)
    if (watched.users.size > 0) return
    this.#watched.delete(key)
    void watched.informer[Symbol.asyncDispose]()
  }
}

function* referencesOf({ spec }: NodePod): Generator<{ sort: Sort; name: string }> {
  const give = (sort: Sort, name: string | undefined) => (name === undefined || name === '' ? [] : [{ sort, name }])
  for (const container of [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])]) {
    for (const { configMapRef, secretRef } of container.envFrom ?? []) {
      yield* give('configMap', configMapRef?.name)
      yield* give('secret', secretRef?.name)
    }
    for (const { valueFrom } of container.env ?? []) {
      yield* give('configMap', valueFrom?.configMapKeyRef?.name)
      yield* give('secret', valueFrom?.secretKeyRef?.name)
    }
  }
  for (const { configMap, secret, projected } of spec.volumes ?? []) {
    yield* give('configMap', configMap?.name)
    yield* give('secret', secret?.secretName)
    for (const source of projected?.sources ?? []) {
      yield* give('configMap', source.configMap?.name)
      yield* give('secret', source.secret?.name)
    }
  }
  for (const { name } of spec.imagePullSecrets ?? []) yield* give('secret', name)
}

function abortable(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    work
      .then(
        () => resolve(),
        (error: unknown) => reject(error),
      )
      .finally(() => signal.removeEventListener('abort', abort))
  })
}
