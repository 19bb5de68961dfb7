// Which kinds the garbage collector watches: all that can be listed and deleted, from when they are served until they are no longer.

import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { Resource } from '../../apimachinery/resource.ts'
import { kindOf } from '../../api/all.ts'
import { type Informer, startInformer } from '../../client/informer.ts'
import type { Discovered } from '../api-resources.ts'
import type { ControllerEnvironment } from '../controller.ts'
import type { Graph, GraphNode } from './graph.ts'

/** Nobody owns or is owned by these, and they change all the time. */
const IGNORED = new Set(['events', 'events.events.k8s.io'])
/** A kind that is served no longer is watched for so long still: the last deletions may be on their way. */
const FAREWELL_MS = 5000

interface Monitor {
  readonly resource: Resource<AnyObject>
  readonly informer: Informer<AnyObject>
  /** Built-in kinds share the other controllers' informers, and never go. */
  readonly isShared: boolean
  /** By the monotonic clock: since when it is not served. */
  missingSince?: number
}

export class Monitors implements AsyncDisposable {
  readonly #environment: ControllerEnvironment
  readonly #graph: Graph
  readonly #look: (node: GraphNode) => void
  readonly #monitors = new Map<string, Monitor>()

  constructor(environment: ControllerEnvironment, graph: Graph, look: (node: GraphNode) => void) {
    this.#environment = environment
    this.#graph = graph
    this.#look = look
  }

  /** Starts and stops watching as discovery has it. What it returns resolves when everything new is in the graph. */
  async resync({ kinds, failures }: Discovered): Promise<readonly Promise<void>[]> {
    const served = new Set<string>()
    const synced: Promise<void>[] = []
    for (const { resource, verbs } of kinds) {
      const { groupResource } = resource
      if (!['list', 'watch', 'delete'].every((verb) => verbs.has(verb)) || IGNORED.has(groupResource)) continue
      served.add(groupResource)
      const known = this.#monitors.get(groupResource)
      if (known !== undefined) delete known.missingSince
      if (known?.isShared || known?.resource.apiVersion === resource.apiVersion) continue
      // Another version is preferred now; the one that was watched may be served no longer.
      if (known !== undefined) await known.informer[Symbol.asyncDispose]()
      synced.push(this.#watch(resource))
    }
    const failed = new Set(failures.map(({ groupVersion }) => groupOf(groupVersion)))
    for (const [groupResource, monitor] of this.#monitors) {
      // What a group serves that does not answer is not known.
      if (served.has(groupResource) || monitor.isShared || failed.has(monitor.resource.group)) continue
      await this.#farewell(monitor)
    }
    return synced
  }

  /** Any version of the kind leads to the same object; undefined when nobody serves it. */
  resourceFor(apiVersion: string, kind: string): Resource<AnyObject> | undefined {
    const group = groupOf(apiVersion)
    const builtIn = kindOf(group, apiVersion.slice(apiVersion.indexOf('/') + 1), kind)
    if (builtIn) return builtIn
    for (const { resource, missingSince } of this.#monitors.values())
      if (resource.group === group && resource.kind === kind && missingSince === undefined) return resource
    return undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const own = [...this.#monitors.values()].filter(({ isShared }) => !isShared)
    this.#monitors.clear()
    await Promise.all(own.map(({ informer }) => informer[Symbol.asyncDispose]()))
  }

  async #watch(found: Resource<AnyObject>): Promise<void> {
    const { client, clock, informers, log } = this.#environment
    const builtIn = kindOf(found.group, found.version, found.kind)
    const resource = builtIn ?? found
    const informer = builtIn ? informers.of(builtIn) : startInformer({ client, resource, clock, log })
    this.#monitors.set(found.groupResource, { resource, informer, isShared: builtIn !== undefined })
    informer.onChange(({ type, object }) => {
      const { uid = '' } = object.metadata
      const look = type === 'deleted' ? this.#graph.remove(uid) : this.#graph.observe(resource, object)
      for (const node of look) this.#look(node)
    })
    await informer.synced
    if (builtIn || this.#monitors.get(found.groupResource)?.informer !== informer) return
    // What was seen by an earlier informer and went while nobody looked.
    const there = new Set(informer.list().map(({ metadata: { uid } }) => uid))
    for (const { uid } of this.#graph.seenOf(resource.groupResource))
      if (!there.has(uid)) for (const node of this.#graph.remove(uid)) this.#look(node)
    // Owners of this kind could not be asked about before it was served.
    for (const node of this.#graph.dependentsOfUnseen(resource.group, resource.kind)) this.#look(node)
  }

  async #farewell(monitor: Monitor): Promise<void> {
    const now = this.#environment.clock.monotonic()
    monitor.missingSince ??= now
    if (now - monitor.missingSince < FAREWELL_MS) return
    const { groupResource } = monitor.resource
    this.#monitors.delete(groupResource)
    await monitor.informer[Symbol.asyncDispose]()
    for (const node of this.#graph.forget(groupResource)) this.#look(node)
    this.#environment.log.debug('Stopped watching a kind', { resource: groupResource })
  }
}

const groupOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
