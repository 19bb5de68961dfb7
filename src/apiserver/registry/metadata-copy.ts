// Metadata as a write begins with it: that of the state before, which the cache owns, in an object of its own.

/** A copy without the resourceVersion. Copied and then deleted, it would leave V8 an object whose members are all looked up by hash. */
export function withoutRevision<T extends { resourceVersion?: string }>(metadata: T): T {
  const copy: Partial<T> = {}
  for (const key in metadata) if (key !== 'resourceVersion') copy[key] = metadata[key]
  return copy as T
}
