// Measures the store's engines: durable writes, lists and watch fan-out. Usage: scripts/run bench/store.ts [writes]

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/base/clock.ts'
import { silentLogger } from '../src/base/log.ts'
import { openLmdbStore } from '../src/store/lmdb/lmdb.ts'
import { openMemoryStore } from '../src/store/memory/memory.ts'
import type { Store } from '../src/store/store.ts'

const WRITERS = 16
const LISTED = 2_000
const WATCHERS = 100
const VALUE = Buffer.alloc(2_000, 'x')
const ACTOR = {
  user: 'bench',
  verb: 'update',
  requestID: '7f0c5f4e-0000-4000-8000-000000000000',
  userAgent: 'bench/1.0',
}

interface Measured {
  perSecond: number
  cpuMs: number
  wallMs: number
}

async function measure(count: number, run: () => Promise<void>): Promise<Measured> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  await run()
  const wallMs = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  return { perSecond: (count / wallMs) * 1000, cpuMs: (user + system) / 1000 / count, wallMs: wallMs / count }
}

const key = (i: number): string => `default/core/pods/bench/pod-${String(i).padStart(6, '0')}`

async function puts(store: Store, count: number, writers: number): Promise<void> {
  let next = 0
  const writer = async (): Promise<void> => {
    while (next < count) await store.write({ key: key(next++ % LISTED), value: VALUE, actor: ACTOR })
  }
  await Promise.all(Array.from({ length: writers }, writer))
}

async function fanOut(store: Store, count: number): Promise<void> {
  const stop = new AbortController()
  const until = store.revision + count
  const watchers = Array.from({ length: WATCHERS }, async () => {
    for await (const batch of store.watch('default/core/', { after: until - count, signal: stop.signal })) {
      if (batch.revision >= until) return
    }
  })
  await puts(store, count, WRITERS)
  await Promise.all(watchers)
}

function row(engine: string, what: string, { perSecond, cpuMs, wallMs }: Measured): Record<string, string> {
  return {
    engine,
    what,
    'per second': perSecond.toFixed(0),
    'CPU ms each': cpuMs.toFixed(4),
    'wall ms each': wallMs.toFixed(4),
  }
}

async function bench(engine: string, store: Store, writes: number): Promise<Record<string, string>[]> {
  await puts(store, LISTED, WRITERS)
  const rows: Record<string, string>[] = []
  rows.push(row(engine, `put 2 kB, ${WRITERS} writers`, await measure(writes, () => puts(store, writes, WRITERS))))
  rows.push(row(engine, 'put 2 kB, 1 writer', await measure(500, () => puts(store, 500, 1))))
  const times = async (count: number, one: () => Promise<unknown>): Promise<Measured> =>
    await measure(count, async () => {
      for (let i = 0; i < count; i++) await one()
    })
  rows.push(row(engine, 'get', await times(20_000, () => store.get(key(7)))))
  rows.push(row(engine, `list ${LISTED}`, await times(50, () => store.list('default/core/pods/'))))
  const revision = store.revision - 300
  rows.push(
    row(engine, `list ${LISTED} at a revision`, await times(10, () => store.list('default/core/pods/', { revision }))),
  )
  const deliveries = 2_000
  const fanned = await measure(deliveries * WATCHERS, () => fanOut(store, deliveries))
  rows.push(row(engine, `change to one of ${WATCHERS} watchers, its put included`, fanned))
  return rows
}

const writes = Number(process.argv[2] ?? 20_000)
const directory = await mkdtemp(join(tmpdir(), 'drover-bench-'))
try {
  const rows: Record<string, string>[] = []
  {
    await using store = openMemoryStore({ clock: systemClock, log: silentLogger })
    rows.push(...(await bench('memory', store, writes)))
  }
  {
    await using store = await openLmdbStore({ directory, clock: systemClock, log: silentLogger })
    rows.push(...(await bench('lmdb', store, writes)))
  }
  console.table(rows)
} finally {
  await rm(directory, { recursive: true })
}
