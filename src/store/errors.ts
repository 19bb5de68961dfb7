// What a store throws: one class per situation that a caller can act on.

/** The revision lies below the floor. The API server answers 410 Gone, reason Expired. */
export class CompactedError extends Error {
  override readonly name = 'CompactedError'
  readonly revision: number
  readonly compacted: number
  constructor(revision: number, compacted: number) {
    super(`Cannot read at revision ${revision}: history before revision ${compacted} has been compacted`)
    this.revision = revision
    this.compacted = compacted
  }
}

/** The revision has not happened yet. */
export class FutureRevisionError extends Error {
  override readonly name = 'FutureRevisionError'
  readonly revision: number
  readonly newest: number
  constructor(revision: number, newest: number) {
    super(`Cannot read at revision ${revision}: the newest revision is ${newest}`)
    this.revision = revision
    this.newest = newest
  }
}

/** A watch's consumer let more than a limit pile up, and was cut off rather than skipped. */
export class SlowWatcherError extends Error {
  override readonly name = 'SlowWatcherError'
  constructor(prefix: string, limit: string) {
    super(`Cannot continue the watch of "${prefix}": its consumer fell behind by more than ${limit}`)
  }
}

/** No room on the disk or in the quota. Nothing was written; reads work, and writes will again once there is room. */
export class StoreFullError extends Error {
  override readonly name = 'StoreFullError'
  constructor(options?: ErrorOptions) {
    super('Cannot write to the store: there is no room left, free some disk space', options)
  }
}

/** More writes wait than the store accepts. Nothing was written; try again later. */
export class StoreBusyError extends Error {
  override readonly name = 'StoreBusyError'
  constructor(limit: number) {
    super(`Cannot accept the write: ${limit} writes are waiting already`)
  }
}

/** Another process has the data directory open. */
export class StoreLockedError extends Error {
  override readonly name = 'StoreLockedError'
  readonly pid: number | undefined
  constructor(directory: string, pid: number | undefined) {
    const owner = pid === undefined ? 'another process' : `process ${pid}`
    super(`Cannot open the store in "${directory}": ${owner} has it open, stop it first`)
    this.pid = pid
  }
}

/** The data on disk has a format that this version does not know. */
export class StoreFormatError extends Error {
  override readonly name = 'StoreFormatError'
  constructor(directory: string, found: string, known: number) {
    super(
      `Cannot open the store in "${directory}": its format is ${found} and this version reads format ${known}; ` +
        'use the version that wrote it, or choose an empty data directory',
    )
  }
}

/** The file ends before what it must hold. */
export class StoreDamagedError extends Error {
  override readonly name = 'StoreDamagedError'
  constructor(directory: string, bytes: number) {
    super(
      `Cannot open the store in "${directory}": its file is cut short after ${bytes} bytes; ` +
        'restore it from a snapshot, or choose an empty data directory',
    )
  }
}

/** The store was disposed. */
export class StoreClosedError extends Error {
  override readonly name = 'StoreClosedError'
  constructor() {
    super('Cannot use the store: it has been closed')
  }
}

/** A key, prefix, value or option that no engine accepts: a mistake of the caller. */
export class InvalidWriteError extends Error {
  override readonly name = 'InvalidWriteError'
}

/** A commit failed in a way that leaves its outcome unknown. Reads still work; only opening the store anew tells what is on disk. */
export class StoreFailedError extends Error {
  override readonly name = 'StoreFailedError'
  constructor(cause: unknown) {
    super('Cannot write to the store: an earlier commit failed, restart to read what is on disk', { cause })
  }
}
