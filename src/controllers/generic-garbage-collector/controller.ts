// Deletes what lost its owners, and holds or frees what an owner leaves behind: over all kinds, those of custom resources too.

import { sleep } from '../../base/clock.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { Resource } from '../../apimachinery/resource.ts'
import { kindOf } from '../../api/all.ts'
import { customResourceDefinitions } from '../../api/apiextensions/custom-resource-definition.ts'
import type { StandaloneController } from '../all.ts'
import { discover } from '../api-resources.ts'
import type { ControllerEnvironment, RunningController } from '../controller.ts'
import { WorkQueue } from '../queue.ts'
import { collect, type Collector, isPassing } from './collect.ts'
import { Graph } from './graph.ts'

const WORKERS = 5
/** Kinds that come or go are found by their definitions' events; this is for what those do not tell. */
const REDISCOVER_MS = 30_000
/** Nobody owns or is owned by these, and they change all the time. */
const IGNORED = new Set(['events', 'events.events.k8s.io'])

export const genericGarbageCollector: StandaloneController = {
  name: 'generic-garbage-collector',
  start: (environment) => new GarbageCollector(environment),
}

class GarbageCollector implements RunningController {
  readonly name = 'generic-garbage-collector'
  readonly #environment: ControllerEnvironment
  readonly #graph = new Graph()
  readonly #queue: WorkQueue
  readonly #stop = new AbortController()
  readonly #watched = new Map<string, Resource<AnyObject>>()
  readonly #running: Promise<unknown>
  #isReady = false
  #rediscover: () => void = () => {}

  constructor(environment: ControllerEnvironment) {
    this.#environment = environment
    this.#queue = new WorkQueue(environment.clock)
    this.#running = this.#run()
  }

  get idle(): boolean {
    return this.#isReady && this.#queue.idle
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#rediscover()
    this.#queue.close()
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock, informers, log } = this.#environment
    const { signal } = this.#stop
    const workers: Promise<void>[] = []
    let wake = new AbortController()
    this.#rediscover = () => wake.abort()
    informers.of(customResourceDefinitions).onChange(() => wake.abort())
    while (!signal.aborted) {
      wake = new AbortController()
      try {
        const synced = await this.#watchAll(signal)
        await Promise.race([Promise.all(synced), aborted(signal)])
        if (!this.#isReady && !signal.aborted) {
          this.#isReady = true
          for (let i = 0; i < WORKERS; i++) workers.push(this.#work())
        }
      } catch (error) {
        if (!signal.aborted) log.warn('Failed to discover kinds', { error })
      }
      if (!signal.aborted) await sleep(clock, REDISCOVER_MS, wake.signal).catch(() => {})
    }
    await Promise.all(workers)
  }

  async #watchAll(signal: AbortSignal): Promise<Promise<void>[]> {
    const { client, informers } = this.#environment
    const { kinds } = await discover(client, signal)
    const synced: Promise<void>[] = []
    for (const { resource: found, verbs } of kinds) {
      if (!['list', 'watch', 'delete'].every((verb) => verbs.has(verb)) || IGNORED.has(found.groupResource)) continue
      if (this.#watched.has(found.groupResource)) continue
      // Built-in kinds share the other controllers' informers.
      const resource = kindOf(found.group, found.version, found.kind) ?? found
      this.#watched.set(found.groupResource, resource)
      const informer = informers.of(resource)
      informer.onChange(({ type, object }) => {
        const uid = object.metadata.uid ?? ''
        const look = type === 'deleted' ? this.#graph.remove(uid) : this.#graph.observe(resource, object)
        for (const node of look) this.#queue.add(node.uid)
      })
      synced.push(informer.synced)
    }
    return synced
  }

  async #work(): Promise<void> {
    const { client: api, events, log } = this.#environment
    const { signal } = this.#stop
    const collector: Collector = {
      api,
      graph: this.#graph,
      events,
      signal,
      resourceFor: (apiVersion, kind) => this.#resourceFor(apiVersion, kind),
    }
    for (;;) {
      const uid = await this.#queue.take()
      if (uid === undefined) return
      try {
        const node = this.#graph.get(uid)
        if (node) await collect(collector, node)
        this.#queue.forget(uid)
      } catch (error) {
        if (!signal.aborted) {
          if (!isPassing(error)) log.warn('Failed to collect an object', { uid, error })
          this.#queue.addLater(uid)
        }
      } finally {
        this.#queue.done(uid)
      }
    }
  }

  #resourceFor(apiVersion: string, kind: string): Resource<AnyObject> | undefined {
    const slash = apiVersion.indexOf('/')
    const group = slash < 0 ? '' : apiVersion.slice(0, slash)
    const version = apiVersion.slice(slash + 1)
    const builtIn = kindOf(group, version, kind)
    if (builtIn) return builtIn
    // Any version of the kind leads to the same object.
    for (const resource of this.#watched.values())
      if (resource.group === group && resource.kind === kind) return resource
    return undefined
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
