// Gives a volume's files to the pod's group, as `fsGroup` asks.

import { chmod, lchown, lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Group read and write (or read only), and for directories also search and the set-group-id bit. Follows no symlink. */
export async function ownBy(path: string, group: number, readOnly: boolean): Promise<void> {
  const stats = await lstat(path)
  await lchown(path, stats.uid, group)
  if (stats.isSymbolicLink()) return
  const access = readOnly ? 0o440 : 0o660
  if (!stats.isDirectory()) {
    await chmod(path, (stats.mode & 0o7777) | access)
    return
  }
  await chmod(path, (stats.mode & 0o7777) | access | 0o110 | 0o2000)
  for (const name of await readdir(path)) await ownBy(join(path, name), group, readOnly)
}
