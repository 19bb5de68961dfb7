// The volumes of one node's pods: set up before containers start, kept up to date while they run, taken down afterwards.

import { chmod, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { quantityValue } from '../../apimachinery/quantity.ts'
import type { Volume } from '../../api/core/pod/volumes.ts'
import type { NodeContext } from '../context.ts'
import type { PodPlace } from '../pods/downward.ts'
import type { ConfigObjects } from '../pods/environment.ts'
import { type NodePod, uidOf } from '../pods/model.ts'
import { pathElement, podDirectory } from '../pods/paths.ts'
import { type Payload, writePayload } from './atomic-writer.ts'
import { prepareHostPath } from './host-path.ts'
import { ownBy } from './ownership.ts'
import { volumePayload } from './payload.ts'
import { Tokens } from './tokens.ts'

type PodVolume = DeepReadonly<Volume>

/** A volume could not be set up; the pod waits and the event is FailedMount. */
export class VolumeError extends Error {
  override name = 'VolumeError'
  readonly volume: string

  constructor(volume: string, cause: unknown) {
    super(
      `MountVolume.SetUp failed for volume "${volume}" : ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
    this.volume = volume
  }
}

/** The directory names of upstream, so that tools that look for them find them. */
const PLUGINS = {
  emptyDir: 'kubernetes.io~empty-dir',
  configMap: 'kubernetes.io~configmap',
  secret: 'kubernetes.io~secret',
  projected: 'kubernetes.io~projected',
  downwardAPI: 'kubernetes.io~downward-api',
} as const

export interface VolumeOptions {
  readonly objects: ConfigObjects
  readonly place: PodPlace
  readonly signal: AbortSignal
}

/** The volumes of one pod, looked up and about to be made. */
export interface VolumePlan {
  /** The host's path of each volume by name; there after `make`. */
  readonly paths: ReadonlyMap<string, string>
  /** Mounts and writes. Idempotent; may run while the sandbox starts. */
  make(): Promise<void>
}

interface PlannedVolume {
  readonly name: string
  readonly path: string
  make(): Promise<void>
}

async function blaming<T>(volume: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (signal.aborted) throw error
    throw new VolumeError(volume, error)
  }
}

export class PodVolumes {
  readonly #context: NodeContext
  readonly #tokens: Tokens
  /** Pods whose ownership was set, by volume directory: done once, not at each look. */
  readonly #owned = new Set<string>()

  constructor(context: NodeContext) {
    this.#context = context
    this.#tokens = new Tokens(context.client, context.clock)
  }

  /** What is needed of the API and the host is looked up, and is missing here, not later. Changes nothing yet. */
  async plan(pod: NodePod, options: VolumeOptions): Promise<VolumePlan> {
    const parts: PlannedVolume[] = []
    for (const volume of pod.spec.volumes ?? [])
      parts.push(await blaming(volume.name, options.signal, () => this.#planOne(pod, volume, options)))
    return {
      paths: new Map(parts.map(({ name, path }) => [name, path])),
      make: async () => {
        // All of them end before the first failure is told: nothing goes on behind the caller's back.
        const made = await Promise.allSettled(parts.map(({ name, make }) => blaming(name, options.signal, make)))
        for (const outcome of made) if (outcome.status === 'rejected') throw outcome.reason
      },
    }
  }

  /** When to look again because a token must be renewed. */
  nextRenewal(podUid: string): number | undefined {
    return this.#tokens.nextRenewal(podUid)
  }

  /** Unmounts everything below the pod's directory and removes it. Works on what another agent left, too. */
  async tearDown(uid: string): Promise<void> {
    const directory = podDirectory(this.#context.directories, uid)
    this.#tokens.forget(uid)
    for (const path of this.#owned) if (path.startsWith(`${directory}/`)) this.#owned.delete(path)
    const { mounter } = this.#context
    for (const target of mounter.below(directory)) await mounter.unmount(target)
    // Removing must not reach into something that is still mounted.
    if (mounter.below(directory).length > 0)
      throw new Error(`Cannot remove ${directory}: something is still mounted in it`)
    await rm(directory, { recursive: true, force: true })
  }

  /** The uids that have a directory. */
  async list(): Promise<string[]> {
    return await readdir(this.#context.directories.pods).catch(() => [])
  }

  async #planOne(pod: NodePod, volume: PodVolume, options: VolumeOptions): Promise<PlannedVolume> {
    const { name, hostPath } = volume
    if (hostPath !== undefined) {
      await prepareHostPath(hostPath.path, hostPath.type ?? '')
      return { name, path: hostPath.path, make: async () => {} }
    }
    if (volume.emptyDir !== undefined) {
      const path = this.#directory(pod, PLUGINS.emptyDir, name)
      return { name, path, make: () => this.#emptyDir(pod, volume, path) }
    }
    for (const plugin of ['configMap', 'secret', 'projected', 'downwardAPI'] as const) {
      if (volume[plugin] === undefined) continue
      const { objects, place, signal } = options
      const payload = await volumePayload(volume, {
        pod,
        objects,
        place,
        token: (projection) => this.#tokens.get(pod, projection, signal),
      })
      const path = this.#directory(pod, PLUGINS[plugin], name)
      return { name, path, make: () => this.#files(pod, plugin, path, payload) }
    }
    const sort = Object.keys(volume).find((key) => key !== 'name') ?? 'unknown'
    throw new Error(`no volume plugin matched: ${sort} volumes are not supported on this node`)
  }

  async #emptyDir(pod: NodePod, { emptyDir = {} }: PodVolume, directory: string): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o750 })
    const { medium = '', sizeLimit } = emptyDir
    if (medium === 'Memory') {
      const limit = sizeLimit === undefined ? 0 : quantityValue(sizeLimit)
      const most = quantityValue(this.#context.allocatable['memory'] ?? '0')
      const sizeBytes = limit > 0 ? (most > 0 ? Math.min(limit, most) : limit) : most
      await this.#tmpfs(directory, sizeBytes > 0 ? { sizeBytes } : {})
    } else if (medium !== '') throw new Error(`unknown storage medium "${medium}"`)
    // A group may already own it, with a bit of its own.
    if (!this.#owned.has(directory)) {
      await chmod(directory, 0o777)
      await this.#own(pod, directory, false)
      this.#owned.add(directory)
    }
  }

  async #files(
    pod: NodePod,
    plugin: Exclude<keyof typeof PLUGINS, 'emptyDir'>,
    directory: string,
    payload: Payload,
  ): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o750 })
    // Secrets and tokens never touch the disk.
    if (plugin !== 'configMap') await this.#tmpfs(directory, {})
    if (!this.#owned.has(directory)) {
      await chmod(directory, 0o777)
      await this.#own(pod, directory, true)
      this.#owned.add(directory)
    }
    const { random, clock } = this.#context
    const stamp = new Date(clock.now())
      .toISOString()
      .slice(0, 19)
      .replaceAll('-', '_')
      .replace('T', '_')
      .replaceAll(':', '_')
    await writePayload(directory, payload, { random, stamp, own: (path) => this.#own(pod, path, true) })
  }

  async #own(pod: NodePod, path: string, readOnly: boolean): Promise<void> {
    const group = pod.spec.securityContext?.fsGroup
    if (group !== undefined) await ownBy(path, group, readOnly)
  }

  async #tmpfs(directory: string, options: { sizeBytes?: number }): Promise<void> {
    const { mounter } = this.#context
    if (this.#owned.has(directory) || mounter.below(directory).includes(directory)) return
    await mounter.tmpfs(directory, options)
  }

  #directory(pod: NodePod, plugin: string, volume: string): string {
    return join(podDirectory(this.#context.directories, uidOf(pod)), 'volumes', plugin, pathElement(volume))
  }
}
