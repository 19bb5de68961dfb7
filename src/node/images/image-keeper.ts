// Knows since when each image is here and when it was last used, and removes unused ones when the disk fills up.

import { errorText } from '../../base/log.ts'
import { DEFAULT_SANDBOX_IMAGE } from '../containerd/config.ts'
import type { NodeContext } from '../context.ts'
import { bytesToFree, chooseImages, type DiskUsage, type ImageGarbagePolicy, type ImageRecord } from './garbage.ts'

/** Images remembered; a node that has more forgets when the rest were used. */
const MAX_RECORDS = 10_000

export interface ImageKeeperOptions {
  readonly context: NodeContext
  readonly policy: ImageGarbagePolicy
  /** Of the file system that holds the images. */
  readonly usage: () => DiskUsage
}

export class ImageKeeper {
  readonly #options: ImageKeeperOptions
  readonly #records = new Map<string, ImageRecord>()

  constructor(options: ImageKeeperOptions) {
    this.#options = options
  }

  /** Looks, and removes what is to go; tells the node's events when that was not enough. */
  async collect(signal: AbortSignal): Promise<void> {
    const { context, policy, usage } = this.#options
    const now = await this.#detect(signal)
    const wanted = bytesToFree(usage(), policy)
    if (wanted <= 0) return
    const freed = await this.#free(wanted, now, signal)
    if (freed >= wanted) return
    const message = `Failed to garbage collect required amount of images. Attempted to free ${wanted} bytes, but only found ${freed} bytes eligible to free.`
    const { nodeName } = context
    const about = { kind: 'Node', apiVersion: 'v1', name: nodeName, uid: nodeName }
    context.events.event(about, 'Warning', 'FreeDiskSpaceFailed', message)
  }

  /** Removes every image that nobody uses. */
  async removeUnused(signal: AbortSignal): Promise<void> {
    await this.#free(Number.POSITIVE_INFINITY, await this.#detect(signal), signal)
  }

  /** Resolves to the moment of the look. What is in use is used now. */
  async #detect(signal: AbortSignal): Promise<number> {
    const { runtime, clock } = this.#options.context
    const [images, containers, sandboxImage] = await Promise.all([
      runtime.listImages(undefined, { signal }),
      // Ended ones count, too: they may be started again.
      runtime.listContainers({}, { signal }),
      this.#sandboxImage(signal),
    ])
    const now = clock.now()
    const used = new Set(containers.flatMap(({ imageRef, image }) => [imageRef, image?.image ?? '']))
    const found = new Set(images.map(({ id }) => id))
    for (const id of this.#records.keys()) if (!found.has(id)) this.#records.delete(id)
    for (const { id, size, pinned, repoTags, repoDigests } of images.slice(0, MAX_RECORDS)) {
      const known = this.#records.get(id)
      const inUse = [id, ...repoTags, ...repoDigests].some((name) => used.has(name))
      this.#records.set(id, {
        id,
        sizeBytes: size,
        pinned: pinned || repoTags.includes(sandboxImage),
        detectedAt: known?.detectedAt ?? now,
        usedAt: inUse ? now : (known?.usedAt ?? 0),
      })
    }
    return now
  }

  /** Sandboxes are not among the containers: without their image, which the runtime names, no pod would start. */
  async #sandboxImage(signal: AbortSignal): Promise<string> {
    const { info } = await this.#options.context.runtime.status({ verbose: true, signal })
    try {
      const { sandboxImage }: { sandboxImage?: unknown } = JSON.parse(info['config'] ?? '{}')
      if (typeof sandboxImage === 'string' && sandboxImage !== '') return sandboxImage
    } catch {
      // Another runtime's words.
    }
    return DEFAULT_SANDBOX_IMAGE
  }

  async #free(bytes: number, now: number, signal: AbortSignal): Promise<number> {
    const { context, policy } = this.#options
    const { remove } = chooseImages(this.#records.values(), { bytes, now, minAgeMs: policy.minAgeMs })
    let freed = 0
    for (const { id, sizeBytes } of remove) {
      try {
        await context.runtime.removeImage({ image: id }, { signal })
        this.#records.delete(id)
        freed += sizeBytes
        context.log.info('Removed an unused image', { image: id, sizeBytes })
      } catch (error) {
        signal.throwIfAborted()
        context.log.warn('Failed to remove an image', { image: id, reason: errorText(error) })
      }
    }
    return freed
  }
}
