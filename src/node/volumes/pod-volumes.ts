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
import { writePayload } from './atomic-writer.ts'
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

export class PodVolumes {
  readonly #context: NodeContext
  readonly #tokens: Tokens
  /** Pods whose ownership was set, by volume directory: done once, not at each look. */
  readonly #owned = new Set<string>()

  constructor(context: NodeContext) {
    this.#context = context
    this.#tokens = new Tokens(context.client, context.clock)
  }

  /** Idempotent. Resolves to the host's path of each volume by name. */
  async setUp(
    pod: NodePod,
    options: { objects: ConfigObjects; place: PodPlace; signal: AbortSignal },
  ): Promise<ReadonlyMap<string, string>> {
    const paths = new Map<string, string>()
    for (const volume of pod.spec.volumes ?? []) {
      try {
        paths.set(volume.name, await this.#setUpOne(pod, volume, options))
      } catch (error) {
        if (options.signal.aborted) throw error
        throw new VolumeError(volume.name, error)
      }
    }
    return paths
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

  async #setUpOne(
    pod: NodePod,
    volume: PodVolume,
    options: { objects: ConfigObjects; place: PodPlace; signal: AbortSignal },
  ): Promise<string> {
    if (volume.hostPath !== undefined) {
      await prepareHostPath(volume.hostPath.path, volume.hostPath.type ?? '')
      return volume.hostPath.path
    }
    if (volume.emptyDir !== undefined) return await this.#emptyDir(pod, volume)
    for (const plugin of ['configMap', 'secret', 'projected', 'downwardAPI'] as const)
      if (volume[plugin] !== undefined) return await this.#files(pod, volume, plugin, options)
    const sort = Object.keys(volume).find((key) => key !== 'name') ?? 'unknown'
    throw new Error(`no volume plugin matched: ${sort} volumes are not supported on this node`)
  }

  async #emptyDir(pod: NodePod, { name, emptyDir = {} }: PodVolume): Promise<string> {
    const directory = this.#directory(pod, PLUGINS.emptyDir, name)
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
    return directory
  }

  async #files(
    pod: NodePod,
    volume: PodVolume,
    plugin: Exclude<keyof typeof PLUGINS, 'emptyDir'>,
    { objects, place, signal }: { objects: ConfigObjects; place: PodPlace; signal: AbortSignal },
  ): Promise<string> {
    const payload = await volumePayload(volume, {
      pod,
      objects,
      place,
      token: (projection) => this.#tokens.get(pod, projection, signal),
    })
    const directory = this.#directory(pod, PLUGINS[plugin], volume.name)
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
    return directory
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
