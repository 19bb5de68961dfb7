// What an embedded engine has to provide: ordered tables of bytes, changed atomically and durably.

export const TABLES = ['meta', 'objects', 'log', 'versions', 'expiry'] as const
export type TableName = (typeof TABLES)[number]

export interface Row {
  readonly key: Buffer
  readonly value: Buffer
}

/** From `start` (inclusive) to `end` (exclusive), in byte order; `reverse` walks the same rows backwards. */
export interface Range {
  start: Buffer
  /** Absent = to the end of the table. */
  end?: Buffer
  reverse?: boolean
  limit?: number
}

export interface Mutation {
  readonly table: TableName
  readonly key: Buffer
  /** `null` deletes; deleting what is not there is no error. */
  readonly value: Buffer | null
}

/** One writer, any number of readers in the same process. What is read is the writer's to keep: it never changes afterwards. */
export interface Tables extends AsyncDisposable {
  /** The memory of what is committed becomes the tables' own; otherwise it is the caller's again when the commit has ended. */
  readonly keepsRows: boolean
  /** Turns of the event loop that a commit may wait for more writes to share it; 0 where a commit costs the same for each of them. */
  readonly gatheringTurns: number
  get(table: TableName, key: Buffer): Buffer | undefined
  /** Must be consumed, or broken off, before the next `await`. */
  range(table: TableName, range: Range): Iterable<Row>
  /**
   * All or nothing, on disk when it resolves. Never called while another commit runs. Rejects with `StoreFullError` when nothing was written;
   * any other rejection means that the outcome is unknown, and no further commit is asked for.
   */
  commit(mutations: readonly Mutation[]): Promise<void>
  /** Lets `get` and `range` see the last commit. Until then they show the state before it. */
  refresh(): void
}
