// The group versions that services of the cluster serve: which there are, whether they can be reached, and what they say they serve.

import { type Clock, rfc3339, type Timer } from '../../base/clock.ts'
import { errorText, type Logger } from '../../base/log.ts'
import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { type APIService, apiServices } from '../../api/apiregistration/api-service.ts'
import type { Service } from '../../api/core/service/service.ts'
import type { EndpointSlice } from '../../api/discovery/endpoint-slice.ts'
import type { Client } from '../../client/client.ts'
import type { WatchFrame } from '../../client/door.ts'
import { followCache } from '../cache/follow.ts'
import type { ResourceCache } from '../cache/resource-cache.ts'
import type { Registry } from '../registry/registry.ts'
import { conditionsWith, failedCheck, obstacle, PASSED, type Verdict } from './availability.ts'
import { type Backend, backendOf, type FrontProxy, type ResolveService } from './backend.ts'
import {
  discoveryProblem,
  remoteOpenApi,
  type RemoteOpenApi,
  remoteResources,
  type RemoteResources,
} from './remote-documents.ts'

/** How often a backend is asked whether it is there, besides every change of what leads to it. */
const CHECK_INTERVAL_MS = 30_000
/** How long it may take to answer that. */
const CHECK_TIMEOUT_MS = 5_000
/** How old what it says it serves may get, and how long it may take to say that. */
const DOCUMENTS_INTERVAL_MS = 60_000
const DOCUMENTS_TIMEOUT_MS = 30_000
/** More group versions than these are not asked for their documents; they are proxied all the same. */
const MAX_DOCUMENTED = 200
/** Whoever aggregates is not aggregated, and the core group has no APIService of another. */
const OWN_GROUPS = new Set(['', apiServices.group])

export type Aggregated = DeepReadonly<APIService>

export interface RemoteVersion {
  readonly group: string
  readonly version: string
  readonly groupPriority: number
  readonly versionPriority: number
  readonly resources: RemoteResources
  /** What is known is from before the backend was lost, or nothing is known yet. */
  readonly stale: boolean
  readonly openapi: RemoteOpenApi
}

interface Known {
  resources: RemoteResources
  openapi: RemoteOpenApi
  stale: boolean
  /** The documents as text: what tells whether they have changed. */
  text: string
  readAtMs: number
}

export interface AggregationOptions {
  registry: Registry
  client: Client
  clock: Clock
  log: Logger
  resolve: ResolveService
  frontProxy?: FrontProxy | undefined
}

export class Aggregation implements AsyncDisposable {
  readonly #options: AggregationOptions
  readonly #services: ResourceCache
  readonly #known = new Map<string, Known>()
  readonly #stop = new AbortController()
  #remote = new Map<string, Aggregated>()
  #seen = -1
  #generation = 0
  #timer: Timer | undefined
  #work: Promise<void> = Promise.resolve()
  #dirty = false
  readonly #following: Promise<void>[]

  constructor(options: AggregationOptions) {
    this.#options = options
    const { registry } = options
    this.#services = cacheOf(registry, apiServices.group, apiServices.plural)
    this.#following = [
      this.#follow(this.#services),
      this.#follow(cacheOf(registry, '', 'services')),
      this.#follow(cacheOf(registry, 'discovery.k8s.io', 'endpointslices')),
    ]
    this.#again()
  }

  /** Grows with every change of what the documents are made of. */
  get generation(): number {
    this.#refresh()
    return this.#generation
  }

  get isEmpty(): boolean {
    this.#refresh()
    return this.#remote.size === 0
  }

  find(group: string, version: string): Aggregated | undefined {
    this.#refresh()
    return this.#remote.get(nameOf(group, version))
  }

  /** Throws a StatusError when the service leads nowhere. */
  backend(service: Aggregated): Backend {
    return backendOf(service, this.#options.resolve, this.#options.frontProxy)
  }

  versions(): RemoteVersion[] {
    this.#refresh()
    return [...this.#remote].map(([name, { spec }]) => {
      const { resources = [], openapi = {}, stale = true } = this.#known.get(name) ?? {}
      return {
        group: spec?.group ?? '',
        version: spec?.version ?? '',
        groupPriority: spec?.groupPriorityMinimum ?? 0,
        versionPriority: spec?.versionPriority ?? 0,
        resources,
        openapi,
        stale,
      }
    })
  }

  /** Everything seen so far has been checked. */
  async settled(): Promise<void> {
    for (let work: Promise<void> | undefined; work !== this.#work; ) {
      work = this.#work
      await work
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#timer?.cancel()
    await Promise.allSettled([...this.#following, this.#work])
  }

  #refresh(): void {
    if (this.#seen === this.#services.changedAt) return
    this.#seen = this.#services.changedAt
    const remote = new Map<string, Aggregated>()
    for (const { object } of this.#services.values()) {
      const service = object as unknown as Aggregated
      const { group = '', version = '', service: reference } = service.spec ?? {}
      if (reference && !OWN_GROUPS.has(group)) remote.set(nameOf(group, version), service)
    }
    if (remote.size === 0 && this.#remote.size === 0) return
    const changed = specs(remote) !== specs(this.#remote)
    for (const [name, service] of this.#remote) {
      // Another service has other documents.
      if (specOf(remote.get(name)) !== specOf(service)) this.#known.delete(name)
    }
    this.#remote = remote
    if (changed) this.#generation++
  }

  #follow(cache: ResourceCache): Promise<void> {
    return followCache(cache, this.#stop.signal, (frames) => {
      if (!frames || cache === this.#services || this.#concerns(frames)) this.#look()
    })
  }

  /** Is there an aggregated API behind one of these services or endpoint slices? */
  #concerns(frames: readonly WatchFrame[]): boolean {
    if (this.#remote.size === 0) return false
    const led = new Set<string>()
    for (const { object } of frames) {
      const { namespace = '', name, labels } = (object as DeepReadonly<AnyObject>).metadata
      led.add(`${namespace}/${labels?.['kubernetes.io/service-name'] ?? name}`)
    }
    return [...this.#remote.values()].some(({ spec }) =>
      led.has(`${spec?.service?.namespace ?? ''}/${spec?.service?.name ?? ''}`),
    )
  }

  #again(): void {
    this.#timer = this.#options.clock.after(CHECK_INTERVAL_MS, () => {
      this.#look()
      if (!this.#stop.signal.aborted) this.#again()
    })
  }

  /** Several changes at once are one round. */
  #look(): void {
    this.#refresh()
    if (this.#dirty || this.#remote.size === 0 || this.#stop.signal.aborted) return
    this.#dirty = true
    this.#work = this.#work.then(async () => {
      this.#dirty = false
      this.#refresh()
      await Promise.all([...this.#remote].map(([name, service]) => this.#check(name, service)))
    })
  }

  async #check(name: string, service: Aggregated): Promise<void> {
    const { log } = this.#options
    const { signal } = this.#stop
    try {
      const verdict = await this.#verdict(service)
      if (signal.aborted) return
      if (verdict.status === 'True') await this.#read(name, service)
      else this.#lose(name)
      await this.#write(name, verdict)
    } catch (error) {
      if (!signal.aborted) log.error('Failed to check an aggregated API', { apiService: name, error })
    }
  }

  async #verdict(service: Aggregated): Promise<Verdict> {
    const { registry } = this.#options
    const { group = '', version = '', service: reference } = service.spec ?? {}
    const { namespace = '', name = '' } = reference ?? {}
    const services = cacheOf(registry, '', 'services')
    const slices = cacheOf(registry, 'discovery.k8s.io', 'endpointslices').list({
      namespace,
      matches: ({ labels }) => labels['kubernetes.io/service-name'] === name,
    })
    const found = obstacle(
      service,
      services.get(`${services.prefix}${namespace}/${name}`)?.object as DeepReadonly<Service> | undefined,
      slices.items.map(({ object }) => object as unknown as DeepReadonly<EndpointSlice>),
    )
    if (found) return found
    let backend: Backend
    try {
      backend = this.backend(service)
    } catch (error) {
      return failedCheck(errorText(error))
    }
    const problem = await this.#within(CHECK_TIMEOUT_MS, (signal) =>
      discoveryProblem({ backend, signal }, { group, version }),
    )
    return problem === undefined ? PASSED : failedCheck(problem)
  }

  async #within<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const late = new AbortController()
    const timer = this.#options.clock.after(ms, () => late.abort())
    try {
      return await work(AbortSignal.any([late.signal, this.#stop.signal]))
    } finally {
      timer.cancel()
    }
  }

  async #read(name: string, service: Aggregated): Promise<void> {
    const { group = '', version = '' } = service.spec ?? {}
    const before = this.#known.get(name)
    if (this.#known.size >= MAX_DOCUMENTED && !before) return
    const readAtMs = this.#options.clock.monotonic()
    if (before && !before.stale && readAtMs - before.readAtMs < DOCUMENTS_INTERVAL_MS) return
    try {
      const backend = this.backend(service)
      const [resources, openapi] = await this.#within(DOCUMENTS_TIMEOUT_MS, (signal) =>
        Promise.all([
          remoteResources({ backend, signal }, { group, version }),
          remoteOpenApi({ backend, signal }, { group, version }),
        ]),
      )
      if (!this.#remote.has(name)) return
      const text = JSON.stringify([resources, openapi])
      const changed = before?.text !== text || before.stale
      this.#known.set(name, { resources, openapi, stale: false, text, readAtMs })
      if (changed) this.#generation++
    } catch (error) {
      this.#options.log.debug('Failed to read the documents of an aggregated API', { apiService: name, error })
      this.#lose(name)
    }
  }

  #lose(name: string): void {
    const known = this.#known.get(name)
    if (!known || known.stale) return
    known.stale = true
    this.#generation++
  }

  async #write(name: string, verdict: Verdict): Promise<void> {
    const { client, clock, log } = this.#options
    const service = this.#remote.get(name)
    const conditions = service && conditionsWith(service, verdict, rfc3339(clock.now()))
    if (!conditions) return
    try {
      const changed = { ...service, status: { ...service.status, conditions } }
      await client.update(apiServices, changed as DeepReadonly<APIService>, { subresource: 'status' })
      log.info('Changed the availability of an APIService', { apiService: name, ...verdict })
    } catch (error) {
      // Somebody else changed it: that change is looked at anew.
      if (!errors.isConflict(error) && !errors.isNotFound(error)) throw error
    }
  }
}

const specOf = (service: Aggregated | undefined): string => JSON.stringify(service?.spec ?? null)
const specs = (remote: ReadonlyMap<string, Aggregated>): string => [...remote.values()].map(specOf).join()
const nameOf = (group: string, version: string): string => `${version}.${group}`

function cacheOf(registry: Registry, group: string, plural: string): ResourceCache {
  const cache = registry.get(group, 'v1', plural)?.cache
  if (!cache) throw new Error(`Bug: ${plural} are not served`)
  return cache
}
