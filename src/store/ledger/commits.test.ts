import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { MemoryTables } from '../memory/memory.ts'
import { Commits } from './commits.ts'
import { decodeState } from './records.ts'
import type { Mutation } from './tables.ts'

/** Each commit takes a turn, as one that goes to a disk does. */
class SlowTables extends MemoryTables {
  override readonly gatheringTurns = 8
  readonly commits: number[] = []

  override async commit(mutations: readonly Mutation[]): Promise<void> {
    // All but the row of the state.
    this.commits.push(mutations.length - 1)
    await nextTurn()
    await super.commit(mutations)
  }
}

function commitsOver(tables: MemoryTables): Commits {
  return new Commits({
    tables,
    clock: new VirtualClock(),
    state: decodeState(undefined),
    waitingWrites: 100,
    onCommit: () => {},
  })
}

let written = 0
const write = (commits: Commits): Promise<void> =>
  commits.submit((batch) => batch.put('objects', Buffer.from(`key-${written++}`), Buffer.alloc(8)))

test('writers that write again at once come to share their commits', async () => {
  const tables = new SlowTables()
  const commits = commitsOver(tables)
  const writer = async (delay: number): Promise<void> => {
    for (let turn = 0; turn < delay; turn++) await nextTurn()
    for (let i = 0; i < 10; i++) {
      await write(commits)
      await nextTurn()
    }
  }
  // Half of them come while the first commit is under way.
  await Promise.all([0, 0, 0, 0, 1, 1, 1, 1].map(writer))
  assert.deepEqual(tables.commits, [4, ...Array.from({ length: 9 }, () => 8), 4])
})

test('a commit does not wait for long for writers that have gone', async () => {
  const tables = new SlowTables()
  const commits = commitsOver(tables)
  await Promise.all(Array.from({ length: 10 }, () => write(commits)))
  await write(commits)
  await write(commits)
  assert.deepEqual(tables.commits, [10, 1, 1])
})

test('few writers do not wait for each other', async () => {
  class PatientTables extends MemoryTables {
    override readonly gatheringTurns = 8
  }
  const commits = commitsOver(new PatientTables())
  let hasTurned = false
  void nextTurn().then(() => {
    hasTurned = true
  })
  for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: (i % 3) + 1 }, () => write(commits)))
  assert.equal(hasTurned, false)
})
