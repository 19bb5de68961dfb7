// Writers that remember what the server has acknowledged: each object has one writer, so what may be found after a crash is known exactly.

import assert from 'node:assert/strict'
import { StatusError } from '../../src/apimachinery/errors.ts'
import type { AnyObject } from '../../src/apimachinery/metadata.ts'
import type { DeepReadonly, Resource } from '../../src/apimachinery/resource.ts'
import { configMaps } from '../../src/api/core/config-map.ts'
import { pods } from '../../src/api/core/pod/pod.ts'
import type { Random } from '../../src/base/random.ts'
import type { Client } from '../../src/client/client.ts'

export const NAMESPACE = 'default'
/** On everything that the workload writes. */
export const LABEL = 'robustness'

export type Plural = 'configmaps' | 'pods'

/** The two kinds as any object, which is how the writers treat them. */
export const RESOURCES: Readonly<Record<Plural, Resource<AnyObject>>> = {
  configmaps: configMaps as unknown as Resource<AnyObject>,
  pods: pods as unknown as Resource<AnyObject>,
}

/** `undefined`: not there. */
type Version = { payload: string; uid: string | undefined; revision: number } | undefined

interface Tracked {
  /** What was acknowledged last. */
  now: Version
  /** What was asked for and never answered: it may have happened. */
  pending: { to: Version } | undefined
}

type Action = (client: Client) => Promise<void>

/** The largest payload; they differ so that commits do. */
const MAX_PAYLOAD = 4000

export class Workload {
  readonly #random: Random
  readonly #tracked: Readonly<Record<Plural, Map<string, Tracked>>> = { configmaps: new Map(), pods: new Map() }
  #made = 0
  acknowledged = 0
  unknown = 0
  /** Called with each answer. */
  onAnswer: () => void = () => {}
  /** Acknowledged revisions since the last check, by kind. */
  #revisions: Readonly<Record<Plural, Set<number>>> = { configmaps: new Set(), pods: new Set() }

  constructor(random: Random) {
    this.#random = random
  }

  /** One round's writes: new objects of both kinds, and changes and deletions of those that are there. */
  actions({ creates, changes, keep }: { creates: number; changes: number; keep: number }): Action[] {
    const actions: Action[] = []
    for (const plural of ['configmaps', 'pods'] as const) {
      const live = [...this.#tracked[plural]].filter(([, tracked]) => tracked.now).map(([name]) => name)
      const doomed = live.slice(0, Math.max(0, live.length + creates / 2 - keep))
      for (const name of doomed) actions.push((client) => this.#delete(client, plural, name))
      for (const name of live.slice(doomed.length).slice(-changes / 2))
        actions.push((client) => this.#change(client, plural, name))
      for (let i = 0; i < creates / 2; i++) {
        const name = `w${this.#made++}`
        actions.push((client) => this.#create(client, plural, name))
      }
    }
    return this.#shuffled(actions)
  }

  async #create(client: Client, plural: Plural, name: string): Promise<void> {
    const payload = this.#payload(name)
    const tracked: Tracked = { now: undefined, pending: undefined }
    this.#tracked[plural].set(name, tracked)
    await this.#attempt(plural, tracked, { payload, uid: undefined, revision: 0 }, () =>
      client.create(RESOURCES[plural], plural === 'pods' ? podOf(name, payload) : mapOf(name, payload)),
    )
  }

  /** A config map by PUT on the revision that was acknowledged, which nobody else can have changed; a pod by patch. */
  async #change(client: Client, plural: Plural, name: string): Promise<void> {
    const tracked = this.#tracked[plural].get(name)
    if (!tracked?.now) return
    const payload = this.#payload(name)
    const { uid, revision } = tracked.now
    await this.#attempt(plural, tracked, { payload, uid, revision: 0 }, () => {
      if (plural === 'configmaps') {
        const map = mapOf(name, payload)
        return client.update(RESOURCES.configmaps, {
          ...map,
          metadata: { ...map.metadata, resourceVersion: String(revision) },
        })
      }
      const body = { metadata: { annotations: { payload } } }
      return client.patch(RESOURCES.pods, { namespace: NAMESPACE, name }, { type: 'merge', body })
    })
  }

  async #delete(client: Client, plural: Plural, name: string): Promise<void> {
    const tracked = this.#tracked[plural].get(name)
    if (!tracked?.now) return
    await this.#attempt(plural, tracked, undefined, async () => {
      await client.delete(RESOURCES[plural], { namespace: NAMESPACE, name }, { gracePeriodSeconds: 0 })
      return undefined
    })
  }

  async #attempt(
    plural: Plural,
    tracked: Tracked,
    to: Version,
    send: () => Promise<DeepReadonly<AnyObject> | undefined>,
  ): Promise<void> {
    tracked.pending = { to }
    let answer: DeepReadonly<AnyObject> | undefined
    try {
      answer = await send()
    } catch (error) {
      if (error instanceof StatusError) throw error
      this.unknown++
      return
    }
    tracked.pending = undefined
    this.acknowledged++
    this.onAnswer()
    if (!to || !answer) {
      tracked.now = undefined
      return
    }
    const { uid, resourceVersion } = answer.metadata
    const revision = Number(resourceVersion)
    if (to.uid !== undefined) assert.equal(uid, to.uid, 'an update changed the uid')
    tracked.now = { payload: to.payload, uid, revision }
    this.#revisions[plural].add(revision)
  }

  /** Compares what is there with what was acknowledged, and takes over what turned out to have happened. */
  verify(plural: Plural, items: readonly DeepReadonly<AnyObject>[]): void {
    const found = new Map(items.map((item) => [item.metadata.name, item]))
    for (const [name, tracked] of this.#tracked[plural]) {
      const item = found.get(name)
      found.delete(name)
      const { now, pending } = tracked
      const after = item && versionOf(plural, item)
      const happened = pending !== undefined && fits(pending.to, after) && !fits(now, after)
      const wanted = happened ? pending.to : now
      assert.ok(
        fits(wanted, after),
        `${plural} "${name}": found ${shown(after)}, acknowledged ${shown(now)}${pending ? `, asked for ${shown(pending.to)}` : ''}`,
      )
      if (now && after) assert.ok(after.revision >= now.revision, `${plural} "${name}" went back to ${after.revision}`)
      // Nobody but this workload writes config maps: what was acknowledged is there at exactly its revision.
      if (now && after && !happened && plural === 'configmaps') assert.equal(after.revision, now.revision)
      tracked.now = after
      tracked.pending = undefined
      if (!after) this.#tracked[plural].delete(name)
    }
    assert.deepEqual([...found.keys()], [], `${plural} that nobody made`)
  }

  /** The revisions acknowledged since the last call; each must have come as an event. */
  takeRevisions(plural: Plural): ReadonlySet<number> {
    const taken = new Set(this.#revisions[plural])
    this.#revisions[plural].clear()
    return taken
  }

  #payload(name: string): string {
    return `${name}.${this.#random.uuid()}.${'x'.repeat(Math.floor(this.#random.next() * MAX_PAYLOAD))}.end`
  }

  #shuffled<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, at: this.#random.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item)
  }
}

function fits(wanted: Version, found: Version): boolean {
  if (!wanted || !found) return wanted === found
  return wanted.payload === found.payload && (wanted.uid === undefined || wanted.uid === found.uid)
}

function shown(version: Version): string {
  return version ? `${version.payload.slice(0, 50)} (${version.uid ?? 'no uid yet'}) at ${version.revision}` : 'nothing'
}

function versionOf(plural: Plural, item: DeepReadonly<AnyObject>): Version {
  const { uid, resourceVersion, annotations, labels } = item.metadata
  assert.deepEqual(labels, { [LABEL]: 'yes' })
  const data = item['data'] as { payload?: string } | undefined
  const payload = (plural === 'pods' ? annotations?.['payload'] : data?.payload) ?? ''
  if (plural === 'pods') {
    const { containers } = item['spec'] as { containers: { image: string }[] }
    assert.equal(containers[0]?.image, 'nothing')
  }
  return { payload, uid, revision: Number(resourceVersion) }
}

export function mapOf(name: string, payload: string): AnyObject {
  const metadata = { name, namespace: NAMESPACE, labels: { [LABEL]: 'yes' } }
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { payload } }
}

function podOf(name: string, payload: string): AnyObject {
  const metadata = { name, namespace: NAMESPACE, labels: { [LABEL]: 'yes' }, annotations: { payload } }
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [{ name: 'c', image: 'nothing' }] } }
}
