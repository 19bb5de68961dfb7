// The directories that a private containerd fills and that stopping it removes: marked as Drover's, so that no other is ever removed.

import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const MARK = '.drover-containerd'

/** Creates a directory, or takes one that is empty or was claimed before; refuses any other. */
export function claimDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o711 })
  const mark = join(directory, MARK)
  if (existsSync(mark)) return
  if (readdirSync(directory).length > 0)
    throw new Error(`Cannot use "${directory}" for containerd: it holds files that are not Drover's, and must be empty`)
  writeFileSync(mark, 'Everything here belongs to the containerd of a Drover node and is removed with it.\n')
}

/** Removes a claimed directory with all in it; refuses one without the mark. The caller has made sure that nothing is mounted below. */
export function removeDirectory(directory: string): void {
  if (!existsSync(directory)) return
  if (!existsSync(join(directory, MARK))) throw new Error(`Cannot remove "${directory}": it is not marked as Drover's`)
  // The mark goes last, so that a removal that was interrupted can go on.
  for (const name of readdirSync(directory))
    if (name !== MARK) rmSync(join(directory, name), { recursive: true, force: true })
  rmSync(directory, { recursive: true, force: true })
}
