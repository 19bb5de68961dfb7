// Purge: drops every version that is not live, of one key or of everything below a prefix.

import { isPrefix, keyBytes, prefixBytes, prefixEnd } from '../keys.ts'
import type { Batch } from './batch.ts'
import type { Commits } from './commits.ts'
import { afterVersions, splitVersionKey, versionKey } from './keys.ts'
import { decodeVersion } from './records.ts'
import { dropVersion } from './sweeper.ts'
import type { Range, Tables } from './tables.ts'

/** The most versions that one commit drops. */
const STEP_VERSIONS = 500

export async function purge(target: string, { tables, commits }: { tables: Tables; commits: Commits }): Promise<void> {
  const span = spanOf(target)
  const floor = await commits.submit((batch) => {
    batch.compact(batch.revision)
    return batch.revision
  })
  let start: Buffer | undefined = span.start
  while (start !== undefined) {
    const range: Range = { ...span, start }
    start = await commits.submit((batch) => step(batch, { tables, range, floor }))
  }
}

function spanOf(target: string): Range {
  if (!isPrefix(target)) {
    const key = keyBytes(target)
    return { start: versionKey(key, 0), end: afterVersions(key) }
  }
  const prefix = prefixBytes(target)
  const end = prefixEnd(prefix)
  return end === undefined ? { start: prefix } : { start: prefix, end }
}

/** Returns where to go on; undefined when the end was reached. Versions above the floor were written meanwhile, and are left alone. */
function step(
  batch: Batch,
  { tables, range, floor }: { tables: Tables; range: Range; floor: number },
): Buffer | undefined {
  let newest: { key: Buffer; revision: number; type: 'put' | 'delete' } | undefined
  let rows = 0
  for (const row of tables.range('versions', range)) {
    const { key, revision } = splitVersionKey(row.key)
    if (revision > floor) continue
    // The next step begins with the version that this one could not judge yet.
    if (newest && ++rows >= STEP_VERSIONS) return versionKey(newest.key, newest.revision)
    if (newest && (newest.key.equals(key) || newest.type === 'delete')) dropVersion(batch, newest.key, newest.revision)
    newest = { key, revision, type: decodeVersion(row.value).type }
  }
  if (newest?.type === 'delete') dropVersion(batch, newest.key, newest.revision)
  return undefined
}
