// Takes a cluster off the machine, also what is left of one whose processes were all killed.

import { readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode, UserError } from '../base/node/user-error.ts'
import { errorText } from '../base/log.ts'
import { withLockFile } from '../base/node/lock-file.ts'
import { runCommand } from '../netlink/command.ts'
import { removeNetwork } from '../netlink/clean-up.ts'
import { parseHierarchy } from '../node/cgroup/hierarchy.ts'
import { unmountBelow } from '../node/containerd/mounts.ts'
import { stopContainerd } from '../node/containerd/stop.ts'
import type { Host } from './host.ts'
import { restoreSettings } from './host-settings.ts'
import { cgroupOf, containerdPathsOf, nodeDataOf, nodeRunOf, type Places, placesOf, removeData } from './places.ts'
import { requireRoot } from './preflight.ts'
import { agentOf, endStrays, SERVER, stopProcess } from './processes.ts'

export interface DownOptions {
  readonly name: string
  /** Keep objects, images and certificates, so that `up` finds the cluster as it was. */
  readonly keepData: boolean
}

/** Idempotent: a cluster that is not there is a success. Throws when something could not be removed; calling it again goes on from there. */
export async function takeDown(host: Host, { name, keepData }: DownOptions): Promise<void> {
  requireRoot(host.uid)
  const places = placesOf(host.roots, name)
  await withLockFile(join(host.roots.run, `${name}.lock`), host, async () => {
    const nodes = nodesOnDisk(places)
    // Agents first: they would take the end of containers for failures and start them again.
    await Promise.all(nodes.map((node) => stopProcess(host, places, agentOf(node))))
    await stopProcess(host, places, SERVER)
    await endStrays(host, places)
    const failures: unknown[] = []
    const attempt = async (work: () => unknown): Promise<void> => {
      try {
        await work()
      } catch (error) {
        host.signal.throwIfAborted()
        failures.push(error)
      }
    }
    await Promise.all(nodes.map((node) => attempt(() => removeNode(host, places, { node, keepData }))))
    await attempt(() => removeNetwork(runCommand, name))
    await attempt(() => restoreSettings(host))
    await attempt(() => unmountBelow(places.run, host.environment))
    if (failures.length === 0) rmSync(places.run, { recursive: true, force: true })
    if (failures.length === 0 && !keepData) await attempt(() => removeData(places))
    const [first] = failures
    if (first !== undefined)
      throw new UserError(`Cannot remove all of cluster "${name}": ${failures.map(errorText).join('; ')}`, {
        remedy: `try again: drover down -n ${name}`,
        cause: first,
      })
  })
  removeEmptyRoots(host)
}

/** The last cluster takes the directories of all clusters with it. */
export function removeEmptyRoots({ roots }: Pick<Host, 'roots'>): void {
  for (const root of [roots.run, roots.data]) removeIfEmpty(root)
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY', 'ENOENT', 'EBUSY', 'ENOTDIR')) throw error
  }
}

/** Stops a cluster's processes and containers and keeps its data. */
export async function stopCluster(host: Host, name: string): Promise<void> {
  await takeDown(host, { name, keepData: true })
}

/** Stops everything of a node: containers, containerd, mounts, cgroups. */
export async function removeNode(
  host: Host,
  places: Places,
  { node, keepData }: { node: string; keepData: boolean },
): Promise<void> {
  await stopProcess(host, places, agentOf(node))
  await stopContainerd(
    {
      paths: containerdPathsOf(places, node),
      environment: host.environment,
      hierarchy: parseHierarchy(readFileSync('/proc/self/mountinfo', 'utf8')),
      cgroupRoot: cgroupOf(places.name, node),
      keepData,
    },
    host,
  )
  await unmountBelow(nodeDataOf(places, node), host.environment)
  await unmountBelow(nodeRunOf(places, node), host.environment)
  rmSync(nodeRunOf(places, node), { recursive: true, force: true })
  if (!keepData) rmSync(nodeDataOf(places, node), { recursive: true, force: true })
}

/** Every node that left something here, whatever the cluster's state says. */
function nodesOnDisk(places: Places): string[] {
  const found = [join(places.data, 'nodes'), places.run].flatMap((directory) => {
    try {
      return readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() ? [entry.name] : [],
      )
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return []
      throw error
    }
  })
  return [...new Set(found)]
}
