// A store in a part of a shared etcd as if it were alone: revisions count from where etcd was when it was opened.

import type { Change, Entry, Store, WatchBatch } from '../../../src/store/store.ts'
import { CompactedError, FutureRevisionError } from '../../../src/store/store.ts'

export function rebased(store: Store): Store {
  const base = store.revision
  const up = (revision: number): number => revision + base
  const down = (revision: number): number => Math.max(revision - base, 0)
  const entry = <T extends Entry | undefined>(found: T): T =>
    found && { ...found, revision: down(found.revision), createRevision: down(found.createRevision) }
  const change = (told: Change): Change => ({
    ...told,
    revision: down(told.revision),
    createRevision: down(told.createRevision),
    ...(told.previous ? { previous: { ...told.previous, revision: down(told.previous.revision) } } : {}),
  })
  const failure = (error: unknown): unknown => {
    if (error instanceof CompactedError) return new CompactedError(down(error.revision), down(error.compacted))
    if (error instanceof FutureRevisionError) return new FutureRevisionError(down(error.revision), down(error.newest))
    return error
  }
  const call = <T>(result: Promise<T>): Promise<T> =>
    result.catch((error: unknown) => {
      throw failure(error)
    })
  const at = <T extends { revision?: number }>(options: T | undefined): T | undefined =>
    options?.revision === undefined ? options : { ...options, revision: up(options.revision) }
  return {
    get revision() {
      return down(store.revision)
    },
    get compacted() {
      return down(store.compacted)
    },
    newest: async () => down(await call(Promise.resolve(store.newest()))),
    get: async (key, options) => entry(await call(store.get(key, at(options)))),
    async list(prefix, options) {
      const { entries, revision, more } = await call(store.list(prefix, at(options)))
      return { entries: entries.map(entry), revision: down(revision), more }
    },
    async write(write) {
      const expected = write.expected === undefined || write.expected <= 0 ? write.expected : up(write.expected)
      const result = await call(store.write(expected === undefined ? write : { ...write, expected }))
      if (!result.ok) return { ok: false, current: entry(result.current) }
      return { ok: true, revision: down(result.revision), createRevision: down(result.createRevision) }
    },
    async *watch(prefix, { after, signal }): AsyncGenerator<WatchBatch, void, void> {
      try {
        for await (const { changes, revision } of store.watch(prefix, { after: up(after), signal }))
          yield { changes: changes.map(change), revision: down(revision) }
      } catch (error) {
        throw failure(error)
      }
    },
    requestProgress: () => store.requestProgress(),
    async history(target, options) {
      const before = options?.before === undefined ? {} : { before: up(options.before) }
      const { changes, next } = await call(store.history(target, { ...options, ...before }))
      return { changes: changes.map(change), ...(next === undefined ? {} : { next: down(next) }) }
    },
    purge: (target) => call(store.purge(target)),
    compact: (revision) => call(store.compact(up(revision))),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}
