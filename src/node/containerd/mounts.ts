// Finds and detaches the mounts below a directory.

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** More mount points than this in one command would come near the limit on a command's arguments. */
const UNMOUNT_BATCH = 200

/** The mount points at or below a directory, innermost first, from the text of /proc/PID/mountinfo. */
export function mountsBelow(mountinfo: string, directory: string): string[] {
  const points: string[] = []
  for (const line of mountinfo.split('\n')) {
    const point = line.split(' ')[4]
    if (point === undefined) continue
    const path = unescapePath(point)
    if (path === directory || path.startsWith(`${directory}/`)) points.push(path)
  }
  // A later mount lies over, or within, an earlier one.
  return points.reverse()
}

/** Detaches every mount below a directory; throws when one stays. */
export async function unmountBelow(directory: string, environment: Readonly<Record<string, string>>): Promise<void> {
  for (;;) {
    const points = mountsBelow(readFileSync('/proc/self/mountinfo', 'utf8'), directory)
    if (points.length === 0) return
    await unmount(points.slice(0, UNMOUNT_BATCH), environment)
    const left = mountsBelow(readFileSync('/proc/self/mountinfo', 'utf8'), directory)
    if (left.length >= points.length) throw new Error(`Cannot unmount "${left[0]}": it stays mounted`)
  }
}

function unmount(points: readonly string[], environment: Readonly<Record<string, string>>): Promise<void> {
  return new Promise((resolve, reject) => {
    // Lazily: whoever still has a file open there keeps it, but the path is free.
    const child = spawn('umount', ['--lazy', '--no-canonicalize', '--', ...points], {
      stdio: 'ignore',
      env: environment,
    })
    child.on('error', (cause) => reject(new Error('Cannot run umount', { cause })))
    child.on('exit', () => resolve())
  })
}

/** mountinfo writes blanks, tabs, newlines and backslashes as octal numbers. */
function unescapePath(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
