// Which images to remove so that the disk has room again. Pure; upstream's rules.

export interface ImageRecord {
  readonly id: string
  readonly sizeBytes: number
  /** When this agent first saw it, and when a container last used it; milliseconds since 1970. */
  readonly detectedAt: number
  readonly usedAt: number
  readonly pinned: boolean
}

export interface ImageGarbagePolicy {
  /** From so much of the disk on, images are removed … */
  readonly highPercent: number
  /** … until so much is taken. */
  readonly lowPercent: number
  /** Younger ones stay: somebody may be about to use them. */
  readonly minAgeMs: number
}

export const IMAGE_GARBAGE_POLICY: ImageGarbagePolicy = { highPercent: 85, lowPercent: 80, minAgeMs: 2 * 60_000 }

export interface DiskUsage {
  readonly capacityBytes: number
  readonly availableBytes: number
}

/** How much is to be freed; 0: there is room. */
export function bytesToFree({ capacityBytes, availableBytes }: DiskUsage, policy: ImageGarbagePolicy): number {
  if (capacityBytes <= 0) return 0
  // Whole percents, as upstream counts.
  const usedPercent = 100 - Math.floor((availableBytes * 100) / capacityBytes)
  if (usedPercent < policy.highPercent) return 0
  return Math.floor((capacityBytes * (100 - policy.lowPercent)) / 100) - availableBytes
}

/** The images to remove, the one unused for longest first; `bytes` may be infinite. */
export function chooseImages(
  records: Iterable<ImageRecord>,
  { bytes, now, minAgeMs }: { bytes: number; now: number; minAgeMs: number },
): { remove: ImageRecord[]; freedBytes: number } {
  const candidates = [...records]
    .filter(({ pinned, usedAt, detectedAt }) => !pinned && usedAt < now && now - detectedAt >= minAgeMs)
    .sort((a, b) => a.usedAt - b.usedAt || a.detectedAt - b.detectedAt)
  const remove: ImageRecord[] = []
  let freedBytes = 0
  for (const image of candidates) {
    if (freedBytes >= bytes) break
    remove.push(image)
    freedBytes += image.sizeBytes
  }
  return { remove, freedBytes }
}
