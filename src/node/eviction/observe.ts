// What the node and its pods use: memory, disk, processes; from /proc, the file systems, the cgroups and the runtime.

import { readFileSync, statfsSync } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { NodeContext } from '../context.ts'
import { type NodePod, uidOf } from '../pods/model.ts'
import { pathElement, podDirectory, podLogDirectory } from '../pods/paths.ts'
import { usageOf } from '../server/summary.ts'
import type { DiskUsage } from '../images/garbage.ts'
import type { Observation, Observations, PodUsage } from './decide.ts'

export function observeNode(nodeDirectory: string, imageDirectory: string | undefined): Observations {
  const node = fileSystem(nodeDirectory)
  const images = imageDirectory === undefined ? node : (fileSystem(imageDirectory) ?? node)
  const memory = memoryOf(readText('/proc/meminfo'))
  return {
    ...(memory === undefined ? {} : { 'memory.available': memory }),
    ...(node === undefined ? {} : { 'nodefs.available': node.bytes, 'nodefs.inodesFree': node.inodes }),
    ...(images === undefined ? {} : { 'imagefs.available': images.bytes, 'imagefs.inodesFree': images.inodes }),
  }
}

export function diskUsage(directory: string): DiskUsage {
  const found = fileSystem(directory)?.bytes ?? { capacity: 0, available: 0 }
  return { capacityBytes: found.capacity, availableBytes: found.available }
}

function fileSystem(directory: string): { bytes: Observation; inodes: Observation } | undefined {
  try {
    const { blocks, bavail, bsize, files, ffree } = statfsSync(directory)
    return {
      bytes: { available: bavail * bsize, capacity: blocks * bsize },
      inodes: { available: ffree, capacity: files },
    }
  } catch {
    return undefined
  }
}

export function memoryOf(meminfo: string): Observation | undefined {
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(meminfo)?.[1] ?? Number.NaN) * 1024
  const [available, capacity] = [field('MemAvailable'), field('MemTotal')]
  return Number.isNaN(available) || Number.isNaN(capacity) ? undefined : { available, capacity }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** What one pod uses; its files are only walked through where that is asked for. */
export async function observePod(
  context: NodeContext,
  pod: NodePod,
  options: { disk: boolean; signal: AbortSignal },
): Promise<PodUsage> {
  const [usage] = usageOf(context, [pod])
  const base: PodUsage = {
    pod,
    memoryBytes: usage?.total?.memoryWorkingSetBytes ?? 0,
    processes: 0,
    inodes: 0,
    emptyDirs: new Map(),
    containers: (usage?.containers ?? []).map(({ name, stats }) => ({
      name,
      memoryBytes: stats.memoryWorkingSetBytes,
      diskBytes: 0,
    })),
  }
  return options.disk ? await withDisk(context, base, options.signal) : base
}

async function withDisk(context: NodeContext, base: PodUsage, signal: AbortSignal): Promise<PodUsage> {
  const { pod } = base
  const { name, namespace = '' } = pod.metadata
  const uid = uidOf(pod)
  let inodes = 0
  const measure = async (directory: string): Promise<number> => {
    const found = await filesBelow(directory, signal)
    inodes += found.files
    return found.bytes
  }
  const emptyDirs = new Map<string, number>()
  const volumes = join(podDirectory(context.directories, uid), 'volumes', 'kubernetes.io~empty-dir')
  for (const volume of pod.spec.volumes ?? [])
    if (volume.emptyDir !== undefined)
      emptyDirs.set(volume.name, await measure(join(volumes, pathElement(volume.name))))
  const logs = podLogDirectory(context.directories, { uid, name, namespace })
  const containers = []
  for (const container of base.containers) {
    const layer = await writableLayer(context, pod, container.name, signal)
    const logBytes = await measure(join(logs, pathElement(container.name)))
    containers.push({ ...container, diskBytes: layer.bytes + logBytes })
    inodes += layer.inodes
  }
  return { ...base, emptyDirs, containers, inodes }
}

async function writableLayer(
  { runtime }: NodeContext,
  pod: NodePod,
  name: string,
  signal: AbortSignal,
): Promise<{ bytes: number; inodes: number }> {
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])]
  const id = statuses.find((status) => status.name === name)?.containerID?.replace('containerd://', '')
  if (id === undefined) return { bytes: 0, inodes: 0 }
  try {
    const { writableLayer: layer } = await runtime.containerStats(id, { signal })
    return { bytes: layer?.usedBytes ?? 0, inodes: layer?.inodesUsed ?? 0 }
  } catch {
    // It has ended meanwhile: what it left is measured at the next look, if there is anything.
    signal.throwIfAborted()
    return { bytes: 0, inodes: 0 }
  }
}

/** More entries than this are not counted: whoever has so many is over any limit that a byte count would show. */
const MAX_ENTRIES = 1_000_000

/** The blocks that a directory's files take; links are not followed. */
export async function filesBelow(directory: string, signal: AbortSignal): Promise<{ bytes: number; files: number }> {
  let bytes = 0
  let files = 0
  const queue = [directory]
  for (let next = queue.pop(); next !== undefined && files < MAX_ENTRIES; next = queue.pop()) {
    signal.throwIfAborted()
    const entries = await readdir(next, { withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      files++
      const path = join(next, entry.name)
      if (entry.isDirectory()) queue.push(path)
      bytes += ((await lstat(path).catch(() => undefined))?.blocks ?? 0) * 512
    }
  }
  return { bytes, files }
}
