// Mounting and unmounting, by the programs of util-linux: the only place where the agent changes the mount table.

import { execFile } from 'node:child_process'
import { readFileSync, realpathSync } from 'node:fs'

export interface Mounter {
  tmpfs(target: string, options: { sizeBytes?: number }): Promise<void>
  bind(source: string, target: string): Promise<void>
  unmount(target: string): Promise<void>
  /** The mount points at or below a directory, deepest first. */
  below(directory: string): string[]
}

const TIMEOUT_MS = 30_000

export interface MountPrograms {
  readonly mount: string
  readonly umount: string
}

export function systemMounter(
  programs: MountPrograms = { mount: '/bin/mount', umount: '/bin/umount' },
  mountinfo = '/proc/self/mountinfo',
): Mounter {
  /** The kernel names mount points by their real paths; the caller's way to them may lead through a link. */
  const below = (directory: string): string[] => {
    const real = realOf(directory)
    return mountPoints(mountinfo)
      .filter((path) => path === real || path.startsWith(`${real}/`))
      .map((path) => directory + path.slice(real.length))
      .reverse()
  }
  return {
    async tmpfs(target, { sizeBytes }) {
      const options = ['mode=0777', ...(sizeBytes === undefined ? [] : [`size=${sizeBytes}`])].join(',')
      await run(programs.mount, ['-t', 'tmpfs', '-o', options, 'tmpfs', target])
    },
    async bind(source, target) {
      // The source may be a file descriptor's path, which must be taken as it is.
      await run(programs.mount, ['--no-canonicalize', '-o', 'bind', source, target])
    },
    async unmount(target) {
      if (!below(target).includes(target)) return
      await run(programs.umount, ['--no-canonicalize', target]).catch(async () => {
        // Somebody still has a file open in it: detach it now, the kernel lets go later.
        await run(programs.umount, ['--no-canonicalize', '-l', target])
      })
    },
    below,
  }
}

function realOf(directory: string): string {
  try {
    return realpathSync(directory)
  } catch {
    return directory
  }
}

function mountPoints(mountinfo: string): string[] {
  return readFileSync(mountinfo, 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4])
    .filter((path) => path !== undefined)
    .map((path) => path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))))
}

function run(program: string, argv: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(program, argv, { timeout: TIMEOUT_MS, env: {} }, (error, _stdout, stderr) => {
      if (error === null) resolve()
      else reject(new Error(`Cannot run ${program} ${argv.join(' ')}: ${stderr.trim() || error.message}`))
    })
  })
}
