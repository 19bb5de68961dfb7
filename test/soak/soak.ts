// Writers, lists, watchers and informers that come and go, and a server that is killed again and again; its promises are checked, its memory and descriptors are watched.
// As a program, for as long as one likes: scripts/run test/soak/soak.ts [--minutes 10] [--seed 1]

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { serviceAccounts } from '../../src/api/core/service-account.ts'
import { isNotFound } from '../../src/apimachinery/errors.ts'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import { type Random, seededRandom } from '../../src/base/random.ts'
import type { Client } from '../../src/client/client.ts'
import { startInformer } from '../../src/client/informer.ts'
import { type Base, follow, type Followed, IDLE, nextBase, verify } from '../robustness/promises.ts'
import { adminClient, freePort, type Program, type ServerPlace, spawnServer } from '../robustness/server-process.ts'
import { NAMESPACE, type Plural, RESOURCES, Workload } from '../robustness/workload.ts'
import { readPages, watchAWhile } from './visitors.ts'

const CREATES = 120
const CHANGES = 80
const CONNECTIONS = 16
/** In a round: watchers that come and stay for a while, informers, and readers of pages. */
const WATCHERS = 8
const READERS = 3
/** One round in so many ends with the server being killed in its middle. */
const ROUNDS_PER_KILL = 4

export interface SoakReport {
  seed: number
  rounds: number
  acknowledged: number
  unknown: number
  events: number
  pages: number
  kills: number
  /** Of the longest life of a server: MiB of its own and descriptors after its second round, and after its last. */
  memoryMiB: readonly [first: number, last: number]
  descriptors: readonly [first: number, last: number]
  seconds: number
}

export interface SoakOptions {
  /** Whether another round is to come. */
  goOn(rounds: number): boolean
  seed: number
  /** Off, there is one life, in which growth shows. */
  kills?: boolean
  print?(line: string): void
}

export async function soak({ goOn, seed, kills = true, print }: SoakOptions): Promise<SoakReport> {
  const begin = performance.now()
  const directory = mkdtempSync(join(tmpdir(), 'drover-soak-'))
  const run = new Soak({ directory, port: await freePort() }, seededRandom(seed))
  try {
    await run.begin()
    let rounds = 0
    while (goOn(rounds)) {
      await run.round(kills && rounds % ROUNDS_PER_KILL === ROUNDS_PER_KILL - 1)
      rounds++
      print?.(`${Math.round((performance.now() - begin) / 1000)} s: round ${rounds}: ${run.state()}`)
    }
    return { seed, rounds, ...run.report(), seconds: Math.round((performance.now() - begin) / 1000) }
  } catch (error) {
    throw new Error(`Seed ${seed}: ${String(error)}\n${run.said.join('\n')}`, { cause: error })
  } finally {
    await run[Symbol.asyncDispose]()
    rmSync(directory, { recursive: true, force: true })
  }
}

interface Usage {
  memoryMiB: number
  descriptors: number
}

class Soak implements AsyncDisposable {
  readonly #place: ServerPlace
  readonly #random: Random
  readonly #workload: Workload
  #server: Program
  #client: ReturnType<typeof adminClient> | undefined
  #base: Base | undefined
  #events = 0
  #pages = 0
  #kills = 0
  /** What each life of the server used after each of its rounds. */
  readonly #lives: Usage[][] = [[]]

  constructor(place: ServerPlace, random: Random) {
    this.#place = place
    this.#random = random
    this.#workload = new Workload({ random, podSpec: () => IDLE })
    this.#server = spawnServer(place)
  }

  get said(): readonly string[] {
    return this.#server.said
  }

  async begin(): Promise<void> {
    await this.#server.ready
    this.#client = adminClient(this.#place, CONNECTIONS)
    // Pods are refused before the controller has made the account they run as.
    while (!(await accountExists(this.#client))) await pause(20)
    this.#base = await nextBase(this.#client)
  }

  async round(kill: boolean): Promise<void> {
    const { client, base } = this.#begun()
    const stop = new AbortController()
    const followers = follow(client, base, stop.signal)
    const actions = this.#workload.actions({ creates: CREATES, changes: CHANGES })
    const doomed = this.#server
    const killAt = kill ? 1 + Math.floor(this.#random.next() * actions.length) : Number.POSITIVE_INFINITY
    let answers = 0
    this.#workload.onAnswer = () => {
      if (++answers === killAt) doomed.signal('SIGKILL')
    }
    const restarted = kill ? this.#restarted(doomed) : undefined
    const over = new AbortController()
    const visitors = this.#visitors(client, base, over.signal)
    await Promise.all(actions.map((action) => action(client)))
    if (kill) doomed.signal('SIGKILL')
    await restarted
    over.abort()
    await visitors
    await verify({ client, workload: this.#workload, followers, base, signal: stop.signal })
    await this.#informerHolds(client)
    this.#base = await nextBase(client)
    await this.#leave(followers, stop)
    this.#lives.at(-1)?.push(usageOf(this.#server.pid))
  }

  #begun(): { client: Client; base: Base } {
    if (!this.#client || !this.#base) throw new Error('It has not begun')
    return { client: this.#client, base: this.#base }
  }

  async #restarted(doomed: Program): Promise<void> {
    assert.deepEqual(await doomed.exited, { code: null, signal: 'SIGKILL' }, 'the server ended by itself')
    this.#kills++
    this.#lives.push([])
    this.#server = spawnServer(this.#place)
    await this.#server.ready
  }

  /** They come while the writes go on, and leave when they have had enough, at the latest when the writes are over. */
  async #visitors(client: Client, base: Base, signal: AbortSignal): Promise<void> {
    const plurals: readonly Plural[] = ['configmaps', 'pods']
    const watches = Array.from({ length: WATCHERS }, (_, i) =>
      watchAWhile({ client, resource: RESOURCES[plurals[i % 2] ?? 'pods'], base, events: 1 + i * 20, signal }),
    )
    const readers = Array.from({ length: READERS }, (_, i) =>
      readPages({ client, resource: RESOURCES[plurals[i % 2] ?? 'pods'], limit: 7 + 20 * i }),
    )
    for (const events of await Promise.all(watches)) this.#events += events
    for (const pages of await Promise.all(readers)) this.#pages += pages
  }

  /** An informer that comes now knows what a list tells. */
  async #informerHolds(client: Client): Promise<void> {
    for (const plural of ['configmaps', 'pods'] as const) {
      const resource = RESOURCES[plural]
      await using informer = startInformer({
        client,
        resource,
        namespace: NAMESPACE,
        clock: systemClock,
        log: silentLogger,
      })
      await informer.synced
      const { items } = await client.list(resource, { namespace: NAMESPACE })
      const known = informer.list(NAMESPACE).map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`)
      assert.deepEqual(known.sort(), items.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).sort())
    }
  }

  async #leave(followers: readonly Followed[], stop: AbortController): Promise<void> {
    stop.abort()
    for (const { follower } of followers) {
      this.#events += follower.events.length
      await follower.done
    }
  }

  state(): string {
    const { memoryMiB = 0, descriptors = 0 } = this.#lives.at(-1)?.at(-1) ?? {}
    return `${this.#workload.acknowledged} acknowledged, ${this.#events} events, ${memoryMiB} MiB, ${descriptors} descriptors`
  }

  report(): Omit<SoakReport, 'seed' | 'rounds' | 'seconds'> {
    const longest = this.#lives.reduce((a, b) => (b.length > a.length ? b : a))
    const [last, first] = [longest.at(-1), longest[1] ?? longest[0]]
    return {
      acknowledged: this.#workload.acknowledged,
      unknown: this.#workload.unknown,
      events: this.#events,
      pages: this.#pages,
      kills: this.#kills,
      memoryMiB: [first?.memoryMiB ?? 0, last?.memoryMiB ?? 0],
      descriptors: [first?.descriptors ?? 0, last?.descriptors ?? 0],
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client?.[Symbol.dispose]()
    await this.#server[Symbol.asyncDispose]()
  }
}

async function accountExists(client: Client): Promise<boolean> {
  try {
    await client.get(serviceAccounts, { namespace: NAMESPACE, name: 'default' })
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

/** Its own memory: pages of the store's file that happen to be mapped are the kernel's to take back. */
function usageOf(pid: number): Usage {
  const resident = /RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return {
    memoryMiB: Math.round(Number(resident) / 1024),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      'no-kills': { type: 'boolean', default: false },
    },
  })
  const end = performance.now() + Number(values.minutes) * 60_000
  const report = await soak({
    goOn: () => performance.now() < end,
    seed: Number(values.seed),
    kills: !values['no-kills'],
    print: (line) => void process.stderr.write(`${line}\n`),
  })
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
}
