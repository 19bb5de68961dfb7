// Finds or makes what a subPath names inside a volume, without ever being led out of it, and holds it open while it is mounted.

import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, realpath } from 'node:fs/promises'
import { join, normalize, relative } from 'node:path'

/** Open without reading, for use as a starting point and as a mount's source; Node has no name for it. */
const O_PATH = 0o10000000
const NOFOLLOW = constants.O_NOFOLLOW | O_PATH

export interface HeldPath extends AsyncDisposable {
  /** A path that leads to exactly this file, whatever happens to its name: good while it is held. */
  readonly path: string
  readonly isDirectory: boolean
}

/**
 * Symlinks may be followed as long as they stay in the volume. The check by name is only the first step: the path found is then walked again
 * from the volume's root, one element at a time and following nothing, so that a swap in between leads to an error and not outside.
 */
export async function holdSubPath(volume: string, subPath: string, pid: number): Promise<HeldPath> {
  const wanted = normalize(subPath)
  if (wanted.startsWith('/') || wanted === '..' || wanted.startsWith('../') || wanted.includes('\0'))
    throw new Error(`subPath ${JSON.stringify(subPath)} not within volume path`)
  const root = await realpath(volume)
  const existing = await deepestExisting(root, wanted)
  const parts = relative(root, existing.real)
    .split('/')
    .filter((part) => part !== '')
  if (parts[0] === '..') throw new Error(`subPath ${JSON.stringify(subPath)} not within volume path ${volume}`)
  const mode = (await lstat(root)).mode & 0o777
  let current = await open(root, constants.O_DIRECTORY | NOFOLLOW)
  try {
    for (const part of parts) current = await step(current, part, pid)
    for (const part of existing.missing) {
      await mkdir(join(fdPath(current, pid), part), { mode }).catch(ignoreExisting)
      current = await step(current, part, pid)
    }
    const stats = await current.stat()
    return {
      path: fdPath(current, pid),
      isDirectory: stats.isDirectory(),
      [Symbol.asyncDispose]: async () => await current.close(),
    }
  } catch (error) {
    await current.close()
    throw error
  }
}

const fdPath = ({ fd }: FileHandle, pid: number): string => `/proc/${pid}/fd/${fd}`

async function step(directory: FileHandle, name: string, pid: number): Promise<FileHandle> {
  const next = await open(join(fdPath(directory, pid), name), NOFOLLOW)
  if ((await next.stat()).isSymbolicLink()) {
    await next.close()
    throw new Error(`subPath element ${JSON.stringify(name)} is a symlink: refused`)
  }
  await directory.close()
  return next
}

/** The longest part of `wanted` that is there, resolved, and the elements still to be made. */
async function deepestExisting(root: string, wanted: string): Promise<{ real: string; missing: string[] }> {
  const parts = wanted.split('/').filter((part) => part !== '' && part !== '.')
  for (let count = parts.length; count > 0; count--) {
    const path = join(root, ...parts.slice(0, count))
    try {
      return { real: await realpath(path), missing: parts.slice(count) }
    } catch (error) {
      // A dangling link is there, but leads nowhere: nothing may be made through it.
      if (
        await lstat(path).then(
          () => true,
          () => false,
        )
      )
        throw error
    }
  }
  return { real: root, missing: parts }
}

function ignoreExisting(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
}
