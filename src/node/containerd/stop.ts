// Ends a private containerd and all that it started, and leaves nothing: also after everything was killed with SIGKILL.

import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Logger } from '../../base/log.ts'
import { removeTree } from '../cgroup/removal.ts'
import type { Hierarchy } from '../cgroup/hierarchy.ts'
import { CriClient } from '../cri/cri-client.ts'
import { bundlesOf, type ContainerdPaths, socketOf } from './config.ts'
import { checkPaths, type ContainerdContext, findContainerd, terminateContainerd } from './containerd.ts'
import { removeDirectory } from './directories.ts'
import { unmountBelow } from './mounts.ts'
import { descendants, ended, listProcesses, type ProcessInfo, signalProcess } from '../cgroup/processes.ts'

export interface StopOptions {
  readonly paths: ContainerdPaths
  readonly environment: Readonly<Record<string, string>>
  readonly hierarchy: Hierarchy
  /** The cgroup that all pods of this node are in, such as `/drover-test-node1`. */
  readonly cgroupRoot: string
  /** Keep images and metadata for the next start. */
  readonly keepData: boolean
  /** Kill pods at once instead of stopping them through CRI first: faster, but CNI plugins do not hear of it. */
  readonly force?: boolean | undefined
}

/** How long all pods together may take to be stopped properly, CNI included, before they are killed. */
const DRAIN_TIMEOUT_MS = 20_000
const DRAIN_WORKERS = 8
const KILL_TIMEOUT_MS = 10_000
/** Where containerd 1.6's shims put their sockets, whatever containerd's own directories are. */
const SHIM_SOCKETS = '/run/containerd/s'

/** Idempotent. Throws when something could not be removed; calling it again goes on from there. */
export async function stopContainerd(options: StopOptions, context: ContainerdContext): Promise<void> {
  const { paths, environment, hierarchy, cgroupRoot } = options
  const { clock, log, signal } = context
  checkPaths(paths)
  const running = findContainerd(paths)
  if (running !== undefined) {
    if (!options.force) await drain(paths, context)
    await terminateContainerd(running, clock, signal)
  }
  await killShims(paths, context)
  for (const tree of hierarchy.trees) await removeTree(join(tree, cgroupRoot), clock, signal)
  await killContainers(paths, context)
  removeShimSockets(paths, log)
  await unmountBelow(paths.state, environment)
  await unmountBelow(paths.root, environment)
  removeDirectory(paths.state)
  if (!options.keepData) removeDirectory(paths.root)
  log.info('Stopped containerd', { pid: running?.pid, keptData: options.keepData })
}

/** Stops every sandbox through CRI, so that CNI gives back addresses and rules. What fails is left to the killing that follows. */
async function drain(paths: ContainerdPaths, { clock, log, signal }: ContainerdContext): Promise<void> {
  await using client = new CriClient({ socket: socketOf(paths), clock, log })
  const late = new AbortController()
  const timer = clock.after(DRAIN_TIMEOUT_MS, () => late.abort(new Error('the time for it is over')))
  try {
    const options = { signal: AbortSignal.any([signal, late.signal]) }
    const queue = (await client.listPodSandboxes({}, options)).map(({ id }) => id)
    const work = async (): Promise<void> => {
      for (let id = queue.pop(); id !== undefined; id = queue.pop()) await client.stopPodSandbox(id, options)
    }
    await Promise.all(Array.from({ length: DRAIN_WORKERS }, work))
  } catch (error) {
    signal.throwIfAborted()
    log.warn('Could not stop every pod properly', { error })
  } finally {
    timer.cancel()
  }
}

/** Shims first: one that lives would report and clean up what is killed next, through a containerd that is gone. */
async function killShims(paths: ContainerdPaths, context: ContainerdContext): Promise<void> {
  const processes = listProcesses()
  const shims = processes.filter((info) => isShimOf(info, paths))
  await kill([...shims, ...descendants(processes, shims)], context)
}

function isShimOf({ argv }: ProcessInfo, paths: ContainerdPaths): boolean {
  const address = argv.indexOf('-address')
  return basename(argv[0] ?? '').startsWith('containerd-shim') && address > 0 && argv[address + 1] === socketOf(paths)
}

/** Containers whose shim was killed before: their root file system lies in our directories. */
async function killContainers(paths: ContainerdPaths, context: ContainerdContext): Promise<void> {
  await kill(
    listProcesses().filter(({ pid }) => pid !== process.pid && rootIsBelow(pid, paths)),
    context,
  )
}

/** An overlay names its layers in its options. With the native snapshotter the cgroups alone tell whose a process is. */
function rootIsBelow(pid: number, paths: ContainerdPaths): boolean {
  try {
    const mounts = readFileSync(`/proc/${pid}/mountinfo`, 'utf8').split('\n')
    const root = mounts.find((line) => line.split(' ')[4] === '/')
    return root?.includes(`upperdir=${paths.root}/io.containerd.snapshotter.v1.overlayfs/`) ?? false
  } catch {
    // Ended meanwhile.
    return false
  }
}

async function kill(processes: readonly ProcessInfo[], { clock, log, signal }: ContainerdContext): Promise<void> {
  for (const info of processes) signalProcess(info, 'SIGKILL')
  if (!(await ended(processes, KILL_TIMEOUT_MS, clock, signal)))
    throw new Error(`Cannot stop containers: processes ${processes.map(({ pid }) => pid).join(', ')} do not end`)
  if (processes.length > 0) log.info('Killed what was left of containers', { processes: processes.length })
}

/** Each bundle names its shim's socket; only those are removed. The directories go when nobody else uses them. */
function removeShimSockets(paths: ContainerdPaths, log: Logger): void {
  const bundles = bundlesOf(paths)
  if (!existsSync(bundles)) return
  for (const id of readdirSync(bundles)) {
    try {
      const address = readFileSync(join(bundles, id, 'address'), 'utf8').trim()
      const path = address.replace(/^unix:\/\//, '')
      if (/^\/run\/containerd\/s\/[0-9a-f]{64}$/.test(path)) rmSync(path, { force: true })
    } catch (error) {
      log.debug('Found a bundle without a shim address', { id, error })
    }
  }
  for (const directory of [SHIM_SOCKETS, '/run/containerd']) {
    try {
      rmdirSync(directory)
    } catch {
      // Not empty: another containerd's.
      return
    }
  }
}
