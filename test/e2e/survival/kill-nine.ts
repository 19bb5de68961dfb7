// Kills the server, the agent or both of a cluster that is written to, watched and runs containers, again and again, and looks each time whether every promise was kept.

import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { isNotFound } from '../../../src/apimachinery/errors.ts'
import { serviceAccounts } from '../../../src/api/core/service-account.ts'
import { type Random, seededRandom } from '../../../src/base/random.ts'
import type { Client } from '../../../src/client/client.ts'
import { type Base, follow, IDLE, nextBase, verify } from '../../robustness/promises.ts'
import { adminClient, type Program } from '../../robustness/server-process.ts'
import { NAMESPACE, Workload } from '../../robustness/workload.ts'
import { BUSYBOX } from '../node-runtime/fixture.ts'
import { type Machine, makeMachine, NODE, type Part } from './machine.ts'
import { checkSteady, churnReached, onlySteady, podRuns, scaleChurn, startSteady, type Steady } from './steady.ts'

const CREATES = 200
const CHANGES = 60
/** Few: a handshake costs more than a request. */
const CONNECTIONS = 12
/** One start in so many is killed too, somewhere on its way. */
const STARTS_PER_KILLED_START = 8
const START_MS = 700
const VICTIMS: readonly (readonly Part[])[] = [['server'], ['agent'], ['server', 'agent']]
/** The scheduler finds no node for one pod in so many: it writes to them, too. */
const PODS_PER_UNSCHEDULABLE = 6

export interface SurvivalReport {
  seed: number
  rounds: number
  acknowledged: number
  unknown: number
  events: number
  killedStarts: number
  seconds: number
}

export interface SurvivalOptions {
  rounds: number
  seed: number
  /** Hears of each round before it starts. */
  print?(line: string): void
}

export async function survive({ rounds, seed, print }: SurvivalOptions): Promise<SurvivalReport> {
  const begin = performance.now()
  using machine = await makeMachine()
  const random = seededRandom(seed)
  const run = new Run(machine, random)
  try {
    await run.begin()
    const order = shuffled(
      Array.from({ length: rounds }, (_, i) => VICTIMS[i % VICTIMS.length] ?? []),
      random,
    )
    for (const [index, victims] of order.entries()) {
      const took = Math.round(performance.now() - begin)
      print?.(`${took} ms: seed ${seed} round ${index + 1}: ${victims.join(' and ')}`)
      await run.round(index + 1, victims)
    }
    await run.end()
    await run[Symbol.asyncDispose]()
    machine.removed()
    return { seed, rounds, ...run.report, seconds: Math.round((performance.now() - begin) / 1000) }
  } catch (error) {
    throw new Error(`Seed ${seed}: ${String(error)}\n${run.said()}`, { cause: error })
  } finally {
    await run[Symbol.asyncDispose]()
  }
}

class Run implements AsyncDisposable {
  readonly report = { acknowledged: 0, unknown: 0, events: 0, killedStarts: 0 }
  readonly #machine: Machine
  readonly #random: Random
  readonly #workload: Workload
  readonly #programs: Record<Part, Program>
  #client: ReturnType<typeof adminClient> | undefined
  #steady: Steady | undefined
  #base: Base | undefined

  constructor(machine: Machine, random: Random) {
    this.#machine = machine
    this.#random = random
    this.#workload = new Workload({ random, podSpec: podSpecOf })
    this.#programs = { server: machine.start('server'), agent: machine.start('agent') }
  }

  async begin(): Promise<void> {
    await Promise.all([this.#programs.server.ready, this.#programs.agent.ready])
    const client = adminClient(this.#machine.server, CONNECTIONS)
    this.#client = client
    // Pods are refused before the controller has made the account they run as.
    while (!(await accountExists(client))) await pause(20)
    this.#steady = await startSteady(client, this.#machine)
    this.#base = await nextBase(client)
  }

  async round(number: number, victims: readonly Part[]): Promise<void> {
    const { client, steady, base } = this.#started()
    const workload = this.#workload
    const stop = new AbortController()
    const followers = follow(client, base, stop.signal)
    const actions = workload.actions({ creates: CREATES, changes: CHANGES })
    // By turns a pod of its own, and one more or less of a controller.
    const replicas = number % 4 === 0 ? 0 : 1
    if (number % 2 === 1) actions.unshift((client) => workload.run(client))
    else actions.unshift((client) => scaleChurn(client, replicas).catch(() => undefined))
    const unknown = workload.unknown
    await this.#writeAndKill(client, actions, victims)
    if (!victims.includes('server')) assert.equal(workload.unknown, unknown, 'a server that ran did not answer')

    await verify({ client, workload, followers, base, signal: stop.signal })
    if (number % 2 === 1) {
      if (workload.running().length === 0) await workload.run(client)
      for (const name of workload.running()) await podRuns(client, name)
    } else {
      await scaleChurn(client, replicas)
      await churnReached(client, replicas)
    }
    await checkSteady(client, this.#machine, steady)
    this.#base = await nextBase(client)
    this.report.events += followers.reduce((sum, { follower }) => sum + follower.events.length, 0)
    stop.abort()
    await Promise.all(followers.map(({ follower }) => follower.done))
  }

  async end(): Promise<void> {
    const { client, steady } = this.#started()
    await scaleChurn(client, 0)
    for (const action of this.#workload.actions({ creates: 0, changes: 0 })) await action(client)
    await churnReached(client, 0)
    await onlySteady(this.#machine, steady)
    await checkSteady(client, this.#machine, steady)
    this.report.acknowledged = this.#workload.acknowledged
    this.report.unknown = this.#workload.unknown
  }

  #started(): { client: Client; steady: Steady; base: Base } {
    if (!this.#client || !this.#steady || !this.#base) throw new Error('It has not begun')
    return { client: this.#client, steady: this.#steady, base: this.#base }
  }

  /** Each victim dies after a number of answers of its own, and is started again at once, whatever is being asked. */
  async #writeAndKill(
    client: Client,
    actions: readonly ((client: Client) => Promise<void>)[],
    victims: readonly Part[],
  ): Promise<void> {
    const killAt = victims.map((part) => ({ part, answers: 1 + Math.floor(this.#random.next() * actions.length) }))
    let answers = 0
    this.#workload.onAnswer = () => {
      answers++
      for (const kill of killAt) if (kill.answers === answers) this.#programs[kill.part].signal('SIGKILL')
    }
    const restarts = victims.map((part) => this.#restarted(part))
    // Nobody waits for them while the writes go on.
    for (const restart of restarts) restart.catch(() => undefined)
    const dying = victims.map((part) => this.#programs[part])
    await Promise.all(actions.map((action) => action(client)))
    this.#workload.onAnswer = () => {}
    for (const program of dying) program.signal('SIGKILL')
    await Promise.all(restarts)
  }

  async #restarted(part: Part): Promise<void> {
    assert.deepEqual(
      await this.#programs[part].exited,
      { code: null, signal: 'SIGKILL' },
      `the ${part} ended by itself`,
    )
    if (this.#random.next() * STARTS_PER_KILLED_START < 1) {
      const doomed = this.#machine.start(part)
      await pause(this.#random.next() * START_MS)
      doomed.signal('SIGKILL')
      assert.deepEqual(await doomed.exited, { code: null, signal: 'SIGKILL' }, `the ${part} did not start`)
      this.report.killedStarts++
    }
    this.#programs[part] = this.#machine.start(part)
    await this.#programs[part].ready
  }

  /** The end of both logs. */
  said(): string {
    return [...this.#programs.server.said, ...this.#programs.agent.said].join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client?.[Symbol.dispose]()
    await Promise.all([this.#programs.server, this.#programs.agent].map((program) => program[Symbol.asyncDispose]()))
  }
}

function podSpecOf(name: string): typeof IDLE {
  if (name.startsWith('run')) {
    const containers = [{ name: 'c', image: BUSYBOX }]
    return { ...IDLE, containers, ...{ nodeName: NODE, terminationGracePeriodSeconds: 1 } }
  }
  if (Number(name.slice(1)) % PODS_PER_UNSCHEDULABLE > 0) return IDLE
  return { ...IDLE, schedulerName: 'default-scheduler', ...{ nodeSelector: { 'kubernetes.io/hostname': 'nowhere' } } }
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

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
