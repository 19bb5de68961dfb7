// What a server promises, looked at after it was killed: nothing acknowledged is lost, revisions grow, and watches tell every change once, in order.

import assert from 'node:assert/strict'
import type { Client } from '../../src/client/client.ts'
import { Follower, type Seen } from './follower.ts'
import { LABEL, mapOf, NAMESPACE, podOf, type Plural, RESOURCES, type Workload } from './workload.ts'

const PLURALS: readonly Plural[] = ['configmaps', 'pods']
/** Nobody runs it. */
export const IDLE = { schedulerName: 'nobody', containers: [{ name: 'c', image: 'nothing' }] }
const MARKER = { name: 'marker', batch: 'marker', payload: '' }

/** What was there at a revision: where a round's watches start. */
export interface Base {
  revision: number
  state: Readonly<Record<Plural, ReadonlyMap<string, string>>>
}

export interface Followed {
  plural: Plural
  follower: Follower
}

export function follow(client: Client, base: Base, signal: AbortSignal): Followed[] {
  return PLURALS.map((plural) => ({ plural, follower: startFollower(client, plural, base, signal) }))
}

function startFollower(client: Client, plural: Plural, base: Base, signal: AbortSignal): Follower {
  const resource = RESOURCES[plural]
  const options = { client, resource, namespace: NAMESPACE, labelSelector: LABEL, after: base.revision, signal }
  return new Follower(options, base.state[plural])
}

export interface Round {
  client: Client
  workload: Workload
  followers: readonly Followed[]
  base: Base
  signal: AbortSignal
}

export async function verify(round: Round): Promise<void> {
  await Promise.all(PLURALS.map((plural) => verifyKind(plural, round)))
}

async function verifyKind(plural: Plural, { client, workload, followers, base, signal }: Round): Promise<void> {
  const options = { namespace: NAMESPACE, labelSelector: LABEL }
  const { items, resourceVersion } = await client.list(RESOURCES[plural], options)
  const texts = new Map(items.map((item) => [item.metadata.name, JSON.stringify(item)]))
  assert.ok(Number(resourceVersion) >= base.revision, 'revisions went back')
  workload.verify(plural, items)
  // The watches have certainly come as far as the list once they tell of something later.
  const end = await mark(client, plural)
  const mine = followers.filter((followed) => followed.plural === plural).map(({ follower }) => follower)
  // One more, from the window alone: it must tell what the others saw as it happened.
  const late = startFollower(client, plural, base, signal)
  await Promise.all([...mine, late].map((follower) => follower.reached(end)))
  const acknowledged = workload.takeRevisions(plural)
  const expected = upTo(late.events, end)
  for (const follower of mine) {
    assert.deepEqual(upTo(follower.events, end), expected, `a watch of ${plural} and one that began late differ`)
    assert.deepEqual(stateAt(base.state[plural], follower.events, Number(resourceVersion)), texts)
    const told = new Set(follower.events.map((event) => event.revision))
    assert.deepEqual(acknowledged.difference(told), new Set(), `${plural}: an acknowledged change was not told`)
  }
}

/** A change after everything that this round did. Its revision. */
async function mark(client: Client, plural: Plural): Promise<number> {
  const resource = RESOURCES[plural]
  const key = { namespace: NAMESPACE, name: MARKER.name }
  const body = plural === 'configmaps' ? mapOf(MARKER) : podOf(MARKER, IDLE)
  const { metadata } = await client.create(resource, body)
  await client.delete(resource, key, { gracePeriodSeconds: 0 })
  return Number(metadata.resourceVersion)
}

/** What is there now. */
export async function nextBase(client: Client): Promise<Base> {
  const state = { configmaps: new Map<string, string>(), pods: new Map<string, string>() }
  const first = await client.list(RESOURCES.pods, { namespace: NAMESPACE, labelSelector: LABEL })
  for (const item of first.items) state.pods.set(item.metadata.name, JSON.stringify(item))
  // The config maps of the same revision: only this test changes them, and it is at rest.
  const { items } = await client.list(RESOURCES.configmaps, { namespace: NAMESPACE, labelSelector: LABEL })
  for (const item of items) state.configmaps.set(item.metadata.name, JSON.stringify(item))
  return { revision: Number(first.resourceVersion), state }
}

function upTo(events: readonly Seen[], revision: number): Seen[] {
  return events.filter((event) => event.revision <= revision)
}

function stateAt(before: ReadonlyMap<string, string>, events: readonly Seen[], revision: number): Map<string, string> {
  const state = new Map(before)
  for (const event of upTo(events, revision)) {
    if (event.type === 'DELETED') state.delete(event.name)
    else state.set(event.name, event.text)
  }
  return state
}
