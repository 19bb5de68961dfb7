// Says as APIServices which versions of which groups this server serves itself: its own from the start, those of custom resources as they come and go.

import * as errors from '../apimachinery/errors.ts'
import type { AnyObject } from '../apimachinery/metadata.ts'
import { apiServices } from '../api/apiregistration/api-service.ts'
import type { Logger } from '../base/log.ts'
import type { Client } from '../client/client.ts'
import { priorityOf } from './discovery/groups.ts'
import type { Registry } from './registry/registry.ts'

/** `onstart`: made once, by the server's start; `true`: kept as long as it is true. */
const MANAGED = 'kube-aggregator.kubernetes.io/automanaged'
/** Whoever aggregates is not aggregated. */
const OWN_GROUP = 'apiregistration.k8s.io'

const CORE_PRIORITY = 18_000
const VERSION_PRIORITY = 15
const BETA_PRIORITY = 9
/** By name, where it is not the usual one. */
const VERSION_PRIORITIES: Readonly<Record<string, number>> = {
  'v1.': 1,
  'v2.autoscaling': 30,
  'v1.flowcontrol.apiserver.k8s.io': 21,
  'v1.resource.k8s.io': 20,
}
const CUSTOM_VERSION_PRIORITY = 100
const usualPriority = (version: string): number => (version.includes('beta') ? BETA_PRIORITY : VERSION_PRIORITY)

interface Wanted {
  group: string
  version: string
  custom: boolean
}

export interface LocalApiServicesOptions {
  registry: Registry
  client: Client
  log: Logger
}

export class LocalApiServices implements AsyncDisposable {
  readonly #registry: Registry
  readonly #client: Client
  readonly #log: Logger
  #work: Promise<void> = Promise.resolve()
  #dirty = false
  #stopped = false

  /** Registers what is served now; `settled` says when that is done. */
  constructor({ registry, client, log }: LocalApiServicesOptions) {
    this.#registry = registry
    this.#client = client
    this.#log = log
    this.#work = this.#register((wanted) => !wanted.custom)
    this.#changed()
    registry.onChange(() => this.#changed())
  }

  settled(): Promise<void> {
    return this.#work
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    await this.#work
  }

  /** Several changes at once are one piece of work. */
  #changed(): void {
    if (this.#dirty || this.#stopped) return
    this.#dirty = true
    this.#work = this.#work.then(async () => {
      this.#dirty = false
      if (this.#stopped) return
      await this.#register((wanted) => wanted.custom)
      await this.#forget()
    })
  }

  #wanted(): Map<string, Wanted> {
    const wanted = new Map<string, Wanted>()
    for (const { shown, resource } of this.#registry.all()) {
      const { group, version } = shown
      if (group !== OWN_GROUP) wanted.set(`${version}.${group}`, { group, version, custom: resource.custom === true })
    }
    return wanted
  }

  async #register(concerns: (wanted: Wanted) => boolean): Promise<void> {
    const present = new Set(this.#present().map(({ metadata }) => metadata.name))
    const missing = [...this.#wanted()].filter(([name, wanted]) => concerns(wanted) && !present.has(name))
    await Promise.all(missing.map(([name, wanted]) => this.#attempt(name, () => this.#create(name, wanted))))
  }

  #create(name: string, { group, version, custom }: Wanted): Promise<unknown> {
    const priority = custom ? CUSTOM_VERSION_PRIORITY : (VERSION_PRIORITIES[name] ?? usualPriority(version))
    return this.#client.create(apiServices, {
      apiVersion: apiServices.apiVersion,
      kind: apiServices.kind,
      metadata: { name, labels: { [MANAGED]: custom ? 'true' : 'onstart' } },
      spec: {
        ...(group === '' ? {} : { group }),
        version,
        groupPriorityMinimum: group === '' ? CORE_PRIORITY : priorityOf(group),
        versionPriority: priority,
      },
    })
  }

  /** What was kept for a custom resource that is gone, goes. */
  async #forget(): Promise<void> {
    const wanted = this.#wanted()
    const stale = this.#present().filter(
      ({ metadata }) => metadata.labels?.[MANAGED] === 'true' && !wanted.has(metadata.name),
    )
    await Promise.all(
      stale.map(({ metadata: { name } }) => this.#attempt(name, () => this.#client.delete(apiServices, { name }))),
    )
  }

  #present(): AnyObject[] {
    const cache = this.#registry.get(apiServices.group, apiServices.version, apiServices.plural)?.cache
    return [...(cache?.values() ?? [])].map(({ object }) => object as AnyObject)
  }

  /** Somebody else may have been faster. */
  async #attempt(name: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (errors.isAlreadyExists(error) || errors.isNotFound(error) || this.#stopped) return
      this.#log.error('Failed to keep an APIService', { name, error })
    }
  }
}
