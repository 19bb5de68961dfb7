// A cluster for tests: the real API server in this process on a memory store, in virtual time.

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import type { ObjectKey } from '../apimachinery/metadata.ts'
import { isNotFound } from '../apimachinery/errors.ts'
import type { DeepReadonly, Resource } from '../apimachinery/resource.ts'
import { type ApiServer, type ApiServerOptions, startApiServer } from '../apiserver/api-server.ts'
import { findDifferences } from '../apiserver/cache/consistency.ts'
import { type Logger, silentLogger } from '../base/log.ts'
import { type Random, seededRandom } from '../base/random.ts'
import type { Client } from '../client/client.ts'
import type { Identity } from '../client/door.ts'
import { openMemoryStore } from '../store/memory/memory.ts'
import type { Store } from '../store/store.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface TestClusterOptions {
  now?: string
  seed?: number
  log?: Logger
  server?: Partial<ApiServerOptions>
}

export interface TestCluster extends AsyncDisposable {
  readonly clock: VirtualClock
  readonly random: Random
  readonly store: Store
  readonly server: ApiServer
  /** An administrator's client. */
  readonly client: Client
  as(identity: Identity, userAgent?: string): Client
  /** undefined when it is not there. */
  get<T>(resource: Resource<T>, key: ObjectKey): Promise<DeepReadonly<T> | undefined>
  /** Lets time pass: `'59s'`, `'5m'`, or milliseconds. */
  advance(time: string | number): Promise<void>
}

export const ADMIN: Identity = { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] }

/** One key for all tests of a process: making one takes longer than a cluster. */
let accountKey: string | undefined

export function testAccountKey(): string {
  accountKey ??= generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString()
  return accountKey
}

export async function startCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const clock = new VirtualClock(options.now)
  const random = seededRandom(options.seed ?? 1)
  const log = options.log ?? silentLogger
  const store = openMemoryStore({ clock, log })
  const server = await startApiServer({
    store,
    clock,
    random,
    log,
    serviceAccountKey: testAccountKey(),
    serviceCIDR: '10.96.0.0/16',
    ...options.server,
  })
  const client = server.client(ADMIN, 'test')
  return {
    clock,
    random,
    store,
    server,
    client,
    as: (identity, userAgent = 'test') => server.client(identity, userAgent),
    async get(resource, key) {
      try {
        return await client.get(resource, key)
      } catch (error) {
        if (isNotFound(error)) return undefined
        throw error
      }
    },
    advance: (time) => clock.advance(typeof time === 'number' ? time : milliseconds(time)),
    async [Symbol.asyncDispose]() {
      const differing = await findDifferences(server.cacher)
      await server[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      assert.deepEqual(differing, [], 'the watch cache is not what the store holds')
    },
  }
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

function milliseconds(text: string): number {
  const match = /^(\d+)(ms|s|m|h)$/.exec(text)
  const unit = UNITS[match?.[2] ?? '']
  if (!match || unit === undefined)
    throw new Error(`Cannot read ${JSON.stringify(text)} as a time: a number with ms, s, m or h is wanted`)
  return Number(match[1]) * unit
}
