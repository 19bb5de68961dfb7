// The cgroups of one node: a root of its own, `kubepods` in it, the QoS levels and the pods below, laid out as the kubelet lays them out.

import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import type { Controller, Hierarchy } from './hierarchy.ts'
import { processesBelow, removeTree } from './removal.ts'
import type { CgroupSettings, QosClass } from './resources.ts'
import { milliCpuToShares, MIN_SHARES } from './resources.ts'
import { enableControllers, writeSettings } from './settings.ts'
import { type CgroupStats, readStats } from './stats.ts'

export interface CgroupsOptions {
  readonly hierarchy: Hierarchy
  /** The node's own root in every tree, such as `/drover-test-node1`: one level, and only Drover's, so that clean-up is safe. */
  readonly root: string
  readonly clock: Clock
}

/** A root is one path element that cannot be mistaken for somebody else's. */
const ROOT_PATTERN = /^\/drover-[A-Za-z0-9][A-Za-z0-9._-]*$/
const POD_DIRECTORY = /^pod([0-9a-zA-Z-]+)$/
const QOS_DIRECTORY: Readonly<Record<QosClass, string>> = {
  Guaranteed: '',
  Burstable: '/burstable',
  BestEffort: '/besteffort',
}

export interface PodCgroup {
  readonly uid: string
  readonly qos: QosClass
}

export class Cgroups {
  readonly #hierarchy: Hierarchy
  readonly #root: string
  readonly #clock: Clock

  constructor({ hierarchy, root, clock }: CgroupsOptions) {
    if (!ROOT_PATTERN.test(root)) throw new Error(`Cannot use cgroup root "${root}": it must look like "/drover-name"`)
    this.#hierarchy = hierarchy
    this.#root = root
    this.#clock = clock
  }

  get version(): 1 | 2 {
    return this.#hierarchy.version
  }

  /** Creates the root and the QoS levels, with the node's allocatable resources as the limit of all pods together. Idempotent. */
  setUp(allocatable: { cpuMilli: number; memoryBytes: number; pids?: number }): void {
    const kubepods = `${this.#root}/kubepods`
    this.#create(kubepods, {
      cpuShares: milliCpuToShares(allocatable.cpuMilli),
      memoryLimitBytes: allocatable.memoryBytes,
      ...(allocatable.pids === undefined ? {} : { pidsLimit: allocatable.pids }),
    })
    this.#create(`${kubepods}/burstable`, { cpuShares: MIN_SHARES })
    this.#create(`${kubepods}/besteffort`, { cpuShares: MIN_SHARES })
  }

  /** The level of burstable pods gets the CPU shares of what they all request. */
  updateBurstable(requestedMilli: number): void {
    this.#write(`${this.#root}/kubepods/burstable`, { cpuShares: milliCpuToShares(requestedMilli) })
  }

  /** The path of a pod's cgroup: CRI's `cgroupParent`. */
  podPath({ uid, qos }: PodCgroup): string {
    const directory = `pod${uid}`
    if (!POD_DIRECTORY.test(directory)) throw new Error(`Cannot name a cgroup after pod UID "${uid}"`)
    return `${this.#root}/kubepods${QOS_DIRECTORY[qos]}/${directory}`
  }

  /** Creates a pod's cgroup, or updates it. */
  applyPod(pod: PodCgroup, settings: CgroupSettings): void {
    this.#create(this.podPath(pod), settings)
  }

  /** Kills what is left in a pod's cgroup and removes it. */
  async deletePod(pod: PodCgroup, signal?: AbortSignal): Promise<void> {
    await this.#remove(this.podPath(pod), signal)
  }

  /** The pods that have a cgroup, for finding those whose pod is gone. */
  listPods(): PodCgroup[] {
    const tree = this.#tree('memory')
    const pods: PodCgroup[] = []
    for (const qos of ['Guaranteed', 'Burstable', 'BestEffort'] as const) {
      for (const name of childrenOf(join(tree, this.#root, 'kubepods', QOS_DIRECTORY[qos]))) {
        const uid = POD_DIRECTORY.exec(name)?.[1]
        if (uid !== undefined) pods.push({ uid, qos })
      }
    }
    return pods
  }

  podStats(pod: PodCgroup): CgroupStats | undefined {
    return readStats(this.#hierarchy, this.podPath(pod))
  }

  /** `containerId` may be a sandbox's own. */
  containerStats(pod: PodCgroup, containerId: string): CgroupStats | undefined {
    return readStats(this.#hierarchy, `${this.podPath(pod)}/${containerId}`)
  }

  /** The processes of a pod, its containers' included. */
  podProcesses(pod: PodCgroup): number[] {
    return processesBelow(join(this.#tree('memory'), this.podPath(pod)))
  }

  /** Kills everything in the node's cgroups and removes them, root included. */
  async removeAll(signal?: AbortSignal): Promise<void> {
    await this.#remove(this.#root, signal)
  }

  #tree(controller: Controller): string {
    const tree = this.#hierarchy.mounts.get(this.#hierarchy.version === 2 ? '' : controller)
    if (tree === undefined) throw new Error(`Cannot find cgroup controller "${controller}": it is not mounted`)
    return tree
  }

  #create(path: string, settings: CgroupSettings): void {
    for (const tree of this.#hierarchy.trees) {
      if (this.#hierarchy.version === 2) enableControllers(tree, path)
      mkdirSync(join(tree, path), { recursive: true })
    }
    this.#write(path, settings)
  }

  #write(path: string, settings: CgroupSettings): void {
    writeSettings(this.#hierarchy, path, settings)
  }

  async #remove(path: string, signal: AbortSignal | undefined): Promise<void> {
    for (const tree of this.#hierarchy.trees) await removeTree(join(tree, path), this.#clock, signal)
  }
}

function childrenOf(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
  } catch {
    return []
  }
}
