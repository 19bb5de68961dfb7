// Kills a writing process again and again, and looks each time at what is on disk.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Change, Store } from '../store.ts'
import { openLmdbStore } from './lmdb.ts'
import type { Acknowledged } from './testing-disk-trace.ts'

const MOST_WRITES = 250
const program = new URL('./testing-writer.ts', import.meta.url).pathname

export interface CrashReport {
  rounds: number
  acknowledged: number
  /** Found on disk though nobody had heard of it: allowed. */
  unacknowledged: number
}

/** Throws at the first broken promise. */
export async function crashRepeatedly({
  directory,
  rounds,
  random,
}: {
  directory: string
  rounds: number
  random: Random
}): Promise<CrashReport> {
  const known = new Map<number, Change>()
  const report: CrashReport = { rounds, acknowledged: 0, unacknowledged: 0 }
  for (let round = 0; round < rounds; round++) {
    const writes = Math.floor(random.next() ** 2 * MOST_WRITES)
    const acknowledged = await writeAndDie(directory, { seed: round + 1, writes })
    await using store = await openLmdbStore({ directory, clock: systemClock, log: silentLogger })
    const before = known.size
    await verifySurvivor(store, acknowledged, known)
    report.acknowledged += acknowledged.length
    report.unacknowledged += known.size - before - acknowledged.length
  }
  return report
}

/** Kills the writer once it has acknowledged so many writes, wherever it may be then. */
async function writeAndDie(
  directory: string,
  { seed, writes }: { seed: number; writes: number },
): Promise<Acknowledged[]> {
  const child = spawn(process.execPath, [program, directory, String(seed)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const acknowledged: Acknowledged[] = []
  // What it had printed before it died is read to the end: all of that was acknowledged.
  for await (const line of createInterface(child.stdout)) {
    const said: Acknowledged | { opened: number } = JSON.parse(line)
    if ('key' in said) acknowledged.push(said)
    if (acknowledged.length >= writes) child.kill('SIGKILL')
  }
  const [code, signal] = await exited
  assert.deepEqual([code, signal], [null, 'SIGKILL'])
  return acknowledged
}

/** The log is whole and as it was, all that was acknowledged is in it, and the state is what it adds up to. */
export async function verifySurvivor(
  store: Store,
  acknowledged: readonly Acknowledged[],
  known: Map<number, Change>,
): Promise<void> {
  const floor = store.compacted
  const changes = await changesSince(store, floor)
  assert.deepEqual(
    changes.map(({ revision }) => revision),
    Array.from({ length: store.revision - floor }, (_, i) => floor + i + 1),
    'a revision is missing',
  )
  for (const change of changes) {
    const earlier = known.get(change.revision)
    if (earlier !== undefined) assert.deepEqual(change, earlier, 'the past has changed')
    assert.ok(change.type === 'delete' || isWhole(change.value), `half a value at ${change.revision}`)
    known.set(change.revision, change)
  }
  for (const { key, revision, createRevision } of acknowledged) {
    assert.ok(revision <= store.revision, `acknowledged ${revision} is lost, the newest is ${store.revision}`)
    const found = known.get(revision)
    if (found === undefined) assert.ok(revision <= floor)
    else
      assert.deepEqual(
        [found.key, found.createRevision],
        [key, createRevision],
        'an acknowledged write is not what it was',
      )
  }
  await verifyState(store, changes)
}

/** The state at the floor and the log from there are the state now. */
async function verifyState(store: Store, changes: readonly Change[]): Promise<void> {
  const state = new Map(
    (await store.list('', { revision: store.compacted })).entries.map((entry) => [entry.key, entry]),
  )
  for (const { key, value, revision, createRevision, previous } of changes) {
    const before = state.get(key)
    assert.deepEqual(previous, before && { value: before.value, revision: before.revision })
    assert.equal(createRevision, before?.createRevision ?? revision)
    if (value === undefined) state.delete(key)
    else state.set(key, { key, value, revision, createRevision })
  }
  const now = await store.list('')
  assert.deepEqual(new Map(now.entries.map((entry) => [entry.key, entry])), new Map([...state].sort()))
}

async function changesSince(store: Store, after: number): Promise<Change[]> {
  if (after === store.revision) return []
  const changes: Change[] = []
  for await (const batch of store.watch('', { after, signal: new AbortController().signal })) {
    changes.push(...batch.changes)
    if (batch.revision >= store.revision) break
  }
  return changes
}

/** The writer's values end in as many x as a power of two. */
function isWhole(value: Buffer | undefined): boolean {
  const xs = /^\d+\.\d+\.\d+\.(x+)$/.exec(value?.toString() ?? '')?.[1]?.length ?? 0
  return xs > 0 && (xs & (xs - 1)) === 0
}
