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
/** On everything that the workload writes; its value is the batch. */
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
  readonly batch: string
  /** What was acknowledged last. */
  now: Version
  /** What was asked for and never answered: it may have happened. */
  pending: { to: Version } | undefined
}

type Action = (client: Client) => Promise<void>

/** What one round makes is one batch; these pods have one of their own. */
const RUNNING = 'running'
/** Objects of each kind that are deleted one by one in a round; the others go by collection. */
const SINGLE_DELETIONS = 10
/** The largest payload; they differ so that commits do. */
const MAX_PAYLOAD = 4000

export interface WorkloadOptions {
  random: Random
  /** What the pod of this name is to run. Names that begin with `w` stay for two rounds, those with `run` for one. */
  podSpec(name: string): PodSpec
}

interface PodSpec {
  readonly containers: readonly { readonly name: string; readonly image: string }[]
}

interface RoundSize {
  creates: number
  changes: number
}

export class Workload {
  readonly #random: Random
  readonly #podSpec: WorkloadOptions['podSpec']
  readonly #tracked: Readonly<Record<Plural, Map<string, Tracked>>> = { configmaps: new Map(), pods: new Map() }
  #made = 0
  #batch = 0
  acknowledged = 0
  unknown = 0
  /** Called with each answer. */
  onAnswer: () => void = () => {}
  /** Acknowledged revisions since the last check, by kind. */
  #revisions: Readonly<Record<Plural, Set<number>>> = { configmaps: new Set(), pods: new Set() }

  constructor({ random, podSpec }: WorkloadOptions) {
    this.#random = random
    this.#podSpec = podSpec
  }

  /** One round's writes: a new batch of both kinds, changes and deletions in the one before, and the end of those before that. */
  actions({ creates, changes }: RoundSize): Action[] {
    const actions: Action[] = this.running().map((name) => (client) => this.#delete(client, 'pods', name))
    const previous = `b${this.#batch}`
    const batch = `b${++this.#batch}`
    for (const plural of ['configmaps', 'pods'] as const) {
      const live = this.#live(plural, (other) => other === previous)
      const doomed = live.splice(0, creates === 0 ? live.length : SINGLE_DELETIONS)
      for (const name of doomed) actions.push((client) => this.#delete(client, plural, name))
      for (const name of live.slice(-changes / 2)) actions.push((client) => this.#change(client, plural, name))
      const old = this.#live(plural, (other) => ![previous, batch, RUNNING].includes(other))
      if (old.length > 0) actions.push((client) => this.#deleteCollection(client, plural, old))
      for (let i = 0; i < creates / 2; i++) {
        const name = `w${this.#made++}`
        actions.push((client) => this.#create(client, plural, { name, batch }))
      }
    }
    return this.#shuffled(actions)
  }

  /** The pods of one round that are there. */
  running(): string[] {
    return this.#live('pods', (batch) => batch === RUNNING)
  }

  /** Makes a pod for one round. */
  async run(client: Client): Promise<void> {
    await this.#create(client, 'pods', { name: `run${this.#made++}`, batch: RUNNING })
  }

  #live(plural: Plural, ofBatch: (batch: string) => boolean): string[] {
    return [...this.#tracked[plural]]
      .filter(([, tracked]) => tracked.now && ofBatch(tracked.batch))
      .map(([name]) => name)
  }

  async #create(client: Client, plural: Plural, { name, batch }: { name: string; batch: string }): Promise<void> {
    const payload = this.#payload(name)
    const tracked: Tracked = { batch, now: undefined, pending: undefined }
    this.#tracked[plural].set(name, tracked)
    await this.#attempt(plural, tracked, { payload, uid: undefined, revision: 0 }, () =>
      client.create(RESOURCES[plural], this.#objectOf(plural, { name, batch, payload })),
    )
  }

  #objectOf(plural: Plural, written: Written): AnyObject {
    return plural === 'pods' ? podOf(written, this.#podSpec(written.name)) : mapOf(written)
  }

  /** A config map by PUT on the revision that was acknowledged, which nobody else can have changed; a pod by patch. */
  async #change(client: Client, plural: Plural, name: string): Promise<void> {
    const tracked = this.#tracked[plural].get(name)
    if (!tracked?.now) return
    const payload = this.#payload(name)
    const { uid, revision } = tracked.now
    const { batch } = tracked
    await this.#attempt(plural, tracked, { payload, uid, revision: 0 }, () => {
      if (plural === 'configmaps') {
        const map = mapOf({ name, batch, payload })
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

  /** All of their batches. */
  async #deleteCollection(client: Client, plural: Plural, names: readonly string[]): Promise<void> {
    const doomed = names.flatMap((name) => this.#tracked[plural].get(name) ?? [])
    for (const tracked of doomed) tracked.pending = { to: undefined }
    const labelSelector = `${LABEL} in (${[...new Set(doomed.map(({ batch }) => batch))].join(',')})`
    try {
      await client.deleteCollection(RESOURCES[plural], { namespace: NAMESPACE, labelSelector, gracePeriodSeconds: 0 })
    } catch (error) {
      if (error instanceof StatusError) throw error
      this.unknown++
      return
    }
    for (const tracked of doomed) tracked.now = tracked.pending = undefined
    this.acknowledged++
    this.onAnswer()
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
      if (item) {
        assert.deepEqual(item.metadata.labels, { [LABEL]: tracked.batch })
        if (plural === 'pods') assert.equal(imageOf(item), this.#podSpec(name).containers[0]?.image)
      }
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
  const { uid, resourceVersion, annotations } = item.metadata
  const data = item['data'] as { payload?: string } | undefined
  const payload = (plural === 'pods' ? annotations?.['payload'] : data?.payload) ?? ''
  return { payload, uid, revision: Number(resourceVersion) }
}

function imageOf(item: DeepReadonly<AnyObject>): string | undefined {
  return (item['spec'] as PodSpec).containers[0]?.image
}

interface Written {
  name: string
  batch: string
  payload: string
}

export function mapOf({ name, batch, payload }: Written): AnyObject {
  const metadata = { name, namespace: NAMESPACE, labels: { [LABEL]: batch } }
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { payload } }
}

export function podOf({ name, batch, payload }: Written, spec: PodSpec): AnyObject {
  const metadata = { name, namespace: NAMESPACE, labels: { [LABEL]: batch }, annotations: { payload } }
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec }
}
