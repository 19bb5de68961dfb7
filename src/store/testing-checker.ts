// Judges a recorded history of a store against the promises of the contract; reusable for any engine and any mix of clients.

import type { Entry, WatchBatch } from './store.ts'

/** An acknowledged write. */
export interface RecordedWrite {
  key: string
  /** `null` deletes. */
  value: string | null
  revision: number
  createRevision: number
}

/** What one read, or a failed compare-and-swap, said of a key. */
export interface RecordedRead {
  key: string
  /** The newest revision acknowledged before the call. */
  from: number
  /** The store's newest revision when the answer came. */
  to: number
  seen: Pick<Entry, 'value' | 'revision' | 'createRevision'> | undefined
}

export interface RecordedList {
  prefix: string
  from: number
  to: number
  entries: readonly Entry[]
  revision: number
}

export interface RecordedWatch {
  prefix: string
  after: number
  batches: readonly WatchBatch[]
}

export interface RecordedHistory {
  writes: readonly RecordedWrite[]
  reads?: readonly RecordedRead[]
  lists?: readonly RecordedList[]
  watches?: readonly RecordedWatch[]
}

/** Every promise that was broken, in words; empty = none. Expects all writes that got a revision to be recorded. */
export function checkHistory(history: RecordedHistory): string[] {
  const log = [...history.writes].sort((a, b) => a.revision - b.revision)
  return [
    ...checkLog(log),
    ...(history.reads ?? []).flatMap((read) => checkRead(read, log)),
    ...(history.lists ?? []).flatMap((list) => checkList(list, log)),
    ...(history.watches ?? []).flatMap((watch) => checkWatch(watch, log)),
  ]
}

/**
 * One revision per write, without gaps; a key's create revision changes exactly when it comes into being. Only deletions of several keys may share a revision:
 * what expired at the same time.
 */
function checkLog(log: readonly RecordedWrite[]): string[] {
  const problems: string[] = []
  const live = new Map<string, number>()
  let before: RecordedWrite | undefined
  log.forEach((write, index) => {
    const shared = before?.revision === write.revision && before.value === null && write.value === null
    if (!shared && write.revision !== (before?.revision ?? 0) + 1)
      problems.push(`write ${index + 1} has revision ${write.revision}`)
    before = write
    const created = live.get(write.key) ?? write.revision
    if (write.createRevision !== created) {
      problems.push(
        `"${write.key}" at ${write.revision} was created at ${created}, and the answer said ${write.createRevision}`,
      )
    }
    if (write.value === null && !live.has(write.key))
      problems.push(`"${write.key}" was deleted at ${write.revision} without being there`)
    if (write.value === null) live.delete(write.key)
    else live.set(write.key, created)
  })
  return problems
}

/** Linearizable: the answer was the truth at some revision between the call and the answer. */
function checkRead({ key, from, to, seen }: RecordedRead, log: readonly RecordedWrite[]): string[] {
  const before = log.filter((write) => write.key === key && write.revision <= from).at(-1)
  const during = log.filter((write) => write.key === key && write.revision > from && write.revision <= to)
  const legal = before === undefined ? [undefined, ...during] : [before, ...during]
  if (legal.some((write) => sameEntry(write, seen))) return []
  return [
    `a read of "${key}" between ${from} and ${to} saw ${seen === undefined ? 'nothing' : `revision ${seen.revision}`}`,
  ]
}

function sameEntry(write: RecordedWrite | undefined, seen: RecordedRead['seen']): boolean {
  if (write === undefined || write.value === null) return seen === undefined
  return (
    seen !== undefined &&
    seen.revision === write.revision &&
    seen.createRevision === write.createRevision &&
    seen.value.toString() === write.value
  )
}

/** Exact at its revision, in byte order, and that revision was the present at some time of the call. */
function checkList({ prefix, from, to, entries, revision }: RecordedList, log: readonly RecordedWrite[]): string[] {
  const problems: string[] = []
  if (revision < from || revision > to)
    problems.push(`a list of "${prefix}" between ${from} and ${to} is of revision ${revision}`)
  const state = stateAt(log, revision)
  const want = [...state.values()]
    .filter(({ key }) => key.startsWith(prefix))
    .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)))
  if (
    want.length !== entries.length ||
    want.some((write, i) => write.key !== entries[i]?.key || !sameEntry(write, entries[i]))
  ) {
    const seen = entries.map(({ key, revision: at }) => `${key}@${at}`)
    problems.push(
      `a list of "${prefix}" at ${revision} holds ${seen.join(' ')} and not ${want.map((w) => `${w.key}@${w.revision}`).join(' ')}`,
    )
  }
  return problems
}

function stateAt(log: readonly RecordedWrite[], revision: number): Map<string, RecordedWrite> {
  const state = new Map<string, RecordedWrite>()
  for (const write of log) {
    if (write.revision > revision) break
    if (write.value === null) state.delete(write.key)
    else state.set(write.key, write)
  }
  return state
}

/**
 * Ordered, unique, reliable, filtered, resumable (a watch that starts anywhere equals the log from there), atomic (a revision comes whole, in one batch), with the
 * right previous value, and bookmarkable: never claiming to be further than what it delivered, or than there is.
 */
export function checkWatch(watch: RecordedWatch, log: readonly RecordedWrite[]): string[] {
  const name = `the watch of "${watch.prefix}" after ${watch.after}`
  const problems: string[] = []
  const told = watch.batches.at(-1)?.revision ?? watch.after
  const want = log.filter(
    ({ key, revision }) => key.startsWith(watch.prefix) && revision > watch.after && revision <= told,
  )
  const got = watch.batches.flatMap(({ changes }) => changes)
  const written = new Map(log.map((write) => [placeOf(write), write]))
  const delivered = new Set<string>()
  let last = watch.after
  for (const change of got) {
    if (delivered.has(placeOf(change)) || change.revision === watch.after)
      problems.push(`${name} delivered ${change.revision} twice (not unique)`)
    else if (change.revision < last) problems.push(`${name} delivered ${change.revision} after ${last} (not ordered)`)
    last = Math.max(last, change.revision)
    delivered.add(placeOf(change))
    if (!change.key.startsWith(watch.prefix)) problems.push(`${name} delivered "${change.key}" (not filtered)`)
    const write = written.get(placeOf(change))
    const value = change.type === 'delete' ? null : change.value?.toString()
    if (write === undefined || write.value !== value || write.createRevision !== change.createRevision) {
      problems.push(`${name} delivered something else at ${change.revision} than was written`)
    }
    problems.push(...checkPrevious(name, change, log))
  }
  for (const write of want)
    if (!delivered.has(placeOf(write))) problems.push(`${name} missed ${write.revision} (not reliable)`)
  const newest = log.at(-1)?.revision ?? 0
  if (told > newest) problems.push(`${name} claimed ${told}, and there is only ${newest} (not bookmarkable)`)
  return [...problems, ...checkProgress(name, watch)]
}

function placeOf({ revision, key }: { revision: number; key: string }): string {
  return `${revision} ${key}`
}

function checkPrevious(name: string, change: WatchBatch['changes'][number], log: readonly RecordedWrite[]): string[] {
  const before = log.filter(({ key, revision }) => key === change.key && revision < change.revision).at(-1)
  const { previous } = change
  const right =
    before === undefined || before.value === null
      ? previous === undefined
      : previous !== undefined && previous.revision === before.revision && previous.value.toString() === before.value
  return right ? [] : [`${name} delivered the wrong previous value at ${change.revision}`]
}

function checkProgress(name: string, watch: RecordedWatch): string[] {
  const problems: string[] = []
  let told = watch.after
  let last: number | undefined
  for (const { changes, revision } of watch.batches) {
    if (revision < told) problems.push(`${name} went back from ${told} to ${revision}`)
    const newest = changes.at(-1)?.revision ?? 0
    const oldest = changes[0]?.revision ?? Number.POSITIVE_INFINITY
    if (newest > revision) problems.push(`${name} delivered ${newest} in a batch of ${revision} (not bookmarkable)`)
    if (oldest === last) problems.push(`${name} delivered ${oldest} in two batches (not atomic)`)
    else if (oldest <= told)
      problems.push(`${name} delivered ${oldest} after it had claimed ${told} (not bookmarkable)`)
    last = changes.at(-1)?.revision ?? last
    told = Math.max(told, revision)
  }
  return problems
}
