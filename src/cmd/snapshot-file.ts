// The file of a snapshot on its way to the disk and back: whole under its name, or not there at all.

import { open, rename, rm } from 'node:fs/promises'
import { ALL_RESOURCES } from '../api/all.ts'
import { hasCode, UserError } from '../base/node/user-error.ts'
import type { Random } from '../base/random.ts'
import { checkSnapshot, SnapshotError, type SnapshotSummary } from '../store/snapshot/snapshot.ts'

/** Only its owner may read it: it holds Secrets. */
const MODE = 0o600

/** What is there under the name stays until the new snapshot has been written and checked. */
export async function saveTo(
  path: string,
  chunks: AsyncIterable<Buffer>,
  { random }: { random: Random },
): Promise<SnapshotSummary> {
  const half = `${path}.${random.uuid()}.partial`
  try {
    {
      await using file = await open(half, 'wx', MODE)
      for await (const chunk of chunks) await file.writeFile(chunk)
      await file.sync()
    }
    const summary = await checkSnapshot(half)
    await rename(half, path)
    return summary
  } catch (error) {
    await rm(half, { force: true })
    if (error instanceof SnapshotError)
      throw new UserError('The snapshot did not arrive whole', {
        remedy: "try again; the server's log says why: drover logs",
        cause: error,
      })
    throw unusable(path, error)
  }
}

/** What is wrong with the file is said before anything else is looked at. */
export async function checkedSnapshot(path: string): Promise<SnapshotSummary> {
  try {
    return await checkSnapshot(path)
  } catch (error) {
    if (error instanceof SnapshotError)
      throw new UserError(error.message, { remedy: 'use a file that drover snapshot save has written', cause: error })
    throw unusable(path, error)
  }
}

function unusable(path: string, error: unknown): unknown {
  if (hasCode(error, 'ENOENT'))
    return new UserError(`Cannot use "${path}": there is no such file or directory`, {
      remedy: 'name another',
      cause: error,
    })
  return error
}

const TTL_SECONDS = new Map(
  ALL_RESOURCES.flatMap((r): [string, number][] =>
    r.ttlSeconds === undefined ? [] : [[`${r.group || 'core'}/${r.plural}`, r.ttlSeconds]],
  ),
)

/** How long an object lives that is written now. `key` is `tenant/group/resource/…`. */
export function ttlSecondsOf(key: string): number | undefined {
  const [, group, plural] = key.split('/', 3)
  return TTL_SECONDS.get(`${group}/${plural}`)
}
