// Deletes what lost its owners, and holds or frees what an owner leaves behind: over all kinds, those of custom resources too.

import { sleep } from '../../base/clock.ts'
import { customResourceDefinitions } from '../../api/apiextensions/custom-resource-definition.ts'
import type { StandaloneController } from '../all.ts'
import { discover } from '../api-resources.ts'
import type { ControllerEnvironment, RunningController } from '../controller.ts'
import { WorkQueue } from '../queue.ts'
import { collect, type Collector, isPassing } from './collect.ts'
import { Graph } from './graph.ts'
import { Monitors } from './monitors.ts'

const WORKERS = 5
/** Kinds that come or go are found by their definitions' events; this is for what those do not tell. */
const REDISCOVER_MS = 30_000
const SYNC_PATIENCE_MS = 30_000

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
  readonly #monitors: Monitors
  readonly #running: Promise<unknown>
  #isReady = false
  #rediscover: () => void = () => {}

  constructor(environment: ControllerEnvironment) {
    this.#environment = environment
    this.#queue = new WorkQueue(environment.clock)
    this.#monitors = new Monitors(environment, this.#graph, (node) => this.#queue.add(node.uid))
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
        const discovered = await discover(this.#environment.client, signal)
        const synced = await this.#monitors.resync(discovered)
        // A kind may go before it was ever listed: then this is not waited for in vain.
        await Promise.race([Promise.all(synced), sleep(clock, SYNC_PATIENCE_MS, signal).catch(() => {})])
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
    await this.#monitors[Symbol.asyncDispose]()
  }

  async #work(): Promise<void> {
    const { client: api, events, log } = this.#environment
    const { signal } = this.#stop
    const collector: Collector = {
      api,
      graph: this.#graph,
      events,
      signal,
      resourceFor: (apiVersion, kind) => this.#monitors.resourceFor(apiVersion, kind),
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
}
