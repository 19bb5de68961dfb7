// Kills a server that is being written to and watched, again and again, and looks each time whether it kept every promise.

import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { isNotFound } from '../../src/apimachinery/errors.ts'
import { serviceAccounts } from '../../src/api/core/service-account.ts'
import { type Random, seededRandom } from '../../src/base/random.ts'
import type { Client } from '../../src/client/client.ts'
import type { HttpClient } from '../../src/client/http.ts'
import { Follower, type Seen } from './follower.ts'
import { adminClient, freePort, type ServerPlace, type ServerProcess, spawnServer } from './server-process.ts'
import { LABEL, mapOf, NAMESPACE, type Plural, RESOURCES, Workload } from './workload.ts'

const CREATES = 200
const CHANGES = 100
/** Objects of each kind that stay from round to round. */
const KEPT = 150
/** One start in so many is killed too, somewhere on its way. */
const STARTS_PER_KILLED_START = 8
const START_MS = 700
const PLURALS: readonly Plural[] = ['configmaps', 'pods']
const selector = `${LABEL}=yes`

export interface CrashReport {
  rounds: number
  acknowledged: number
  unknown: number
  events: number
  killedStarts: number
}

export interface CrashOptions {
  directory: string
  rounds: number
  seed: number
  /** Hears of each round before it starts. */
  print?(line: string): void
}

export async function crashServer({ directory, rounds, seed, print }: CrashOptions): Promise<CrashReport> {
  const random = seededRandom(seed)
  const place = { directory, port: await freePort() }
  const report: CrashReport = { rounds, acknowledged: 0, unknown: 0, events: 0, killedStarts: 0 }
  const workload = new Workload(random)
  let server = spawnServer(place)
  try {
    await server.ready
    let { base } = await firstState(place)
    for (let round = 1; round <= rounds; round++) {
      const actions = workload.actions({ creates: CREATES, changes: CHANGES, keep: KEPT })
      const killAt = 1 + Math.floor(random.next() * actions.length)
      print?.(`seed ${seed} round ${round}: kill after ${killAt} of ${actions.length} answers, base ${base.revision}`)
      using client = adminClient(place)
      const stop = new AbortController()
      const followers = follow(client, base, stop.signal)
      await writeAndKill(client, workload, { server, actions, killAt })
      const restarted = await restart(place, random, report)
      server = restarted
      base = await verify({ client, workload, followers, base, signal: stop.signal })
      report.events += followers.reduce((sum, { follower }) => sum + follower.events.length, 0)
      stop.abort()
      await Promise.all(followers.map(({ follower }) => follower.done))
    }
    report.acknowledged = workload.acknowledged
    report.unknown = workload.unknown
    return report
  } catch (error) {
    throw new Error(`Seed ${seed}: ${String(error)}\n${server.said.join('\n')}`, { cause: error })
  } finally {
    await server[Symbol.asyncDispose]()
  }
}

/** What was there at a revision: where a round's watches start. */
interface Base {
  revision: number
  state: Readonly<Record<Plural, ReadonlyMap<string, string>>>
}

async function firstState(place: ServerPlace): Promise<{ base: Base }> {
  using client = adminClient(place)
  // Pods are refused before the controller has made the account they run as.
  while (!(await exists(client))) await pause(20)
  const { resourceVersion } = await client.list(RESOURCES.pods, { namespace: NAMESPACE, labelSelector: selector })
  return { base: { revision: Number(resourceVersion), state: { configmaps: new Map(), pods: new Map() } } }
}

async function exists(client: Client): Promise<boolean> {
  try {
    await client.get(serviceAccounts, { namespace: NAMESPACE, name: 'default' })
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

interface Followed {
  plural: Plural
  follower: Follower
}

/** Two for each kind; they must see the same. */
function follow(client: HttpClient, base: Base, signal: AbortSignal): Followed[] {
  return [...PLURALS, ...PLURALS].map((plural) => ({ plural, follower: startFollower(client, plural, base, signal) }))
}

function startFollower(client: HttpClient, plural: Plural, base: Base, signal: AbortSignal): Follower {
  const resource = RESOURCES[plural]
  const options = { client, resource, namespace: NAMESPACE, labelSelector: selector, after: base.revision, signal }
  return new Follower(options, base.state[plural])
}

interface Attack {
  server: ServerProcess
  actions: readonly ((client: Client) => Promise<void>)[]
  /** The server dies after so many answers. */
  killAt: number
}

async function writeAndKill(client: Client, workload: Workload, { server, actions, killAt }: Attack): Promise<void> {
  let answers = 0
  workload.onAnswer = () => {
    if (++answers === killAt) server.signal('SIGKILL')
  }
  await Promise.all(actions.map((action) => action(client)))
  workload.onAnswer = () => {}
  server.signal('SIGKILL')
  assert.deepEqual(await server.exited, { code: null, signal: 'SIGKILL' }, 'the server ended by itself')
}

async function restart(place: ServerPlace, random: Random, report: CrashReport): Promise<ServerProcess> {
  if (random.next() * STARTS_PER_KILLED_START < 1) {
    const doomed = spawnServer(place)
    await pause(random.next() * START_MS)
    doomed.signal('SIGKILL')
    assert.deepEqual(await doomed.exited, { code: null, signal: 'SIGKILL' }, 'the server did not start')
    report.killedStarts++
  }
  const server = spawnServer(place)
  await server.ready
  return server
}

interface Round {
  client: HttpClient
  workload: Workload
  followers: readonly Followed[]
  base: Base
  signal: AbortSignal
}

/** Returns what is there now, for the next round. */
async function verify({ client, workload, followers, base, signal }: Round): Promise<Base> {
  const lists = new Map<Plural, number>()
  for (const plural of PLURALS) {
    const { items, resourceVersion } = await client.list(RESOURCES[plural], {
      namespace: NAMESPACE,
      labelSelector: selector,
    })
    lists.set(plural, Number(resourceVersion))
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
      assert.deepEqual(upTo(follower.events, end), expected, `two watches of ${plural} differ`)
      assert.deepEqual(stateAt(base.state[plural], follower.events, Number(resourceVersion)), texts)
      const told = new Set(follower.events.map((event) => event.revision))
      assert.deepEqual(acknowledged.difference(told), new Set(), `${plural}: an acknowledged change was not told`)
    }
  }
  return nextBase(client)
}

/** A change after everything that this round did. Its revision. */
async function mark(client: Client, plural: Plural): Promise<number> {
  const resource = RESOURCES[plural]
  const key = { namespace: NAMESPACE, name: 'marker' }
  const map = mapOf('marker', '')
  const body =
    plural === 'configmaps'
      ? map
      : { ...map, kind: 'Pod', data: undefined, spec: { containers: [{ name: 'c', image: 'nothing' }] } }
  const { metadata } = await client.create(resource, body)
  await client.delete(resource, key, { gracePeriodSeconds: 0 })
  return Number(metadata.resourceVersion)
}

async function nextBase(client: Client): Promise<Base> {
  const state = { configmaps: new Map<string, string>(), pods: new Map<string, string>() }
  const first = await client.list(RESOURCES.pods, { namespace: NAMESPACE, labelSelector: selector })
  for (const item of first.items) state.pods.set(item.metadata.name, JSON.stringify(item))
  // The config maps of the same revision: only this test changes them, and it is at rest.
  const { items } = await client.list(RESOURCES.configmaps, { namespace: NAMESPACE, labelSelector: selector })
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
