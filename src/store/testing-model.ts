// The store as a model: a list of everything that was ever written, and nothing else.

export interface ModelChange {
  key: string
  value: string | null
  revision: number
  createRevision: number
  previousRevision: number | undefined
}

export interface ModelEntry {
  value: string
  revision: number
  createRevision: number
}

type ModelResult =
  | { ok: true; revision: number; createRevision: number }
  | { ok: false; current: (ModelEntry & { key: string }) | undefined }

export class StoreModel {
  readonly log: ModelChange[] = []

  write(key: string, value: string | null, expected: number | undefined): ModelResult {
    const current = this.stateAt(this.log.length).get(key)
    if (
      (expected !== undefined && expected !== (current?.revision ?? 0)) ||
      (value === null && current === undefined)
    ) {
      return { ok: false, current: current && { key, ...current } }
    }
    const revision = this.log.length + 1
    const createRevision = current?.createRevision ?? revision
    this.log.push({ key, value, revision, createRevision, previousRevision: current?.revision })
    return { ok: true, revision, createRevision }
  }

  stateAt(revision: number): Map<string, ModelEntry> {
    const state = new Map<string, ModelEntry>()
    for (const { key, value, ...at } of this.log.slice(0, revision)) {
      if (value === null) state.delete(key)
      else state.set(key, { value, revision: at.revision, createRevision: at.createRevision })
    }
    return state
  }

  list(prefix: string, revision: number): [key: string, value: string, revision: number][] {
    const found = [...this.stateAt(revision)].filter(([key]) => key.startsWith(prefix))
    return found
      .map(([key, entry]): [string, string, number] => [key, entry.value, entry.revision])
      .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  }
}
