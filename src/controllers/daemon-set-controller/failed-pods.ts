// How soon a daemon that failed on a node is replaced: at once at first, then later and later, or node and controller would fight.

const MIN_MS = 1000
const MAX_MS = 15 * 60_000

interface Failure {
  at: number
  delayMs: number
}

export class FailedPods {
  /** By set, by node: no more entries than there are sets and nodes. */
  readonly #failures = new Map<string, Map<string, Failure>>()

  /** 0: it may be replaced now, and the next one has to wait. */
  waitMs(set: string, node: string, nowMs: number): number {
    const nodes = this.#failures.get(set) ?? new Map<string, Failure>()
    this.#failures.set(set, nodes)
    const known = nodes.get(node)
    if (known !== undefined && nowMs - known.at < known.delayMs) return known.at + known.delayMs - nowMs
    const isFresh = known === undefined || nowMs - known.at > 2 * MAX_MS
    nodes.set(node, { at: nowMs, delayMs: isFresh ? MIN_MS : Math.min(2 * known.delayMs, MAX_MS) })
    return 0
  }

  forget(set: string): void {
    this.#failures.delete(set)
  }
}
