// Finds out what containers may do on this host, by trying where that is the only sure way.

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ContainerdPaths, HostAbilities } from './config.ts'

const CAP_SYS_RESOURCE = 24n

export async function hostAbilities(
  paths: ContainerdPaths,
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
  snapshotter?: HostAbilities['snapshotter'],
): Promise<HostAbilities> {
  return {
    snapshotter: snapshotter ?? (await chooseSnapshotter(paths, environment, signal)),
    apparmor: readOrEmpty('/sys/module/apparmor/parameters/enabled').startsWith('Y'),
    oomScore: hasCapability(readFileSync('/proc/self/status', 'utf8'), CAP_SYS_RESOURCE),
  }
}

/** Whether the effective set in the text of /proc/PID/status has a capability. */
export function hasCapability(status: string, capability: bigint): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1]
  return effective !== undefined && ((BigInt(`0x${effective}`) >> capability) & 1n) === 1n
}

/** Snapshots that exist stay usable: the first choice for a directory is the last. */
async function chooseSnapshotter(
  { root }: ContainerdPaths,
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<HostAbilities['snapshotter']> {
  for (const name of ['overlayfs', 'native'] as const)
    if (existsSync(join(root, `io.containerd.snapshotter.v1.${name}`))) return name
  return (await overlayWorks(root, environment, signal)) ? 'overlayfs' : 'native'
}

/** Mounts an overlay in a mount namespace of its own, which takes the mount with it when it ends. */
async function overlayWorks(
  root: string,
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<boolean> {
  const directory = mkdtempSync(join(root, '.overlay-'))
  try {
    for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(directory, name))
    const layers = ['lower', 'upper', 'work'].map((name) => `${name}dir=${join(directory, name)}`).join(',')
    const argv = ['--mount', 'mount', '-t', 'overlay', 'overlay', '-o', layers, join(directory, 'merged')]
    return await new Promise<boolean>((resolve, reject) => {
      const child = spawn('unshare', argv, { stdio: 'ignore', env: environment, signal })
      child.on('error', (cause) => reject(new Error('Cannot run unshare: util-linux must be installed', { cause })))
      child.on('exit', (code) => resolve(code === 0))
    })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
