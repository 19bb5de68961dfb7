// How fast nodes are given up: by the state of their zone, so that a network's failure does not empty a whole zone at once.

/** Upstream's defaults. */
const EVICTION_QPS = 0.1
const SECONDARY_EVICTION_QPS = 0.01
const LARGE_CLUSTER_SIZE = 50
const UNHEALTHY_ZONE_THRESHOLD = 0.55
/** Upstream looks at all nodes in this rhythm; a lost node waits for so long, until it is known how many share its fate. */
export const MONITOR_PERIOD_MS = 5000

export type ZoneState = 'Normal' | 'PartialDisruption' | 'FullDisruption'

/** Pure: the state of a zone with so many nodes. */
export function zoneState(ready: number, notReady: number): ZoneState {
  if (ready === 0 && notReady > 0) return 'FullDisruption'
  if (notReady > 2 && notReady / (notReady + ready) >= UNHEALTHY_ZONE_THRESHOLD) return 'PartialDisruption'
  return 'Normal'
}

/** Pure: nodes given up a second, in a zone of so many. */
export function evictionQPS(state: ZoneState, size: number): number {
  if (state !== 'PartialDisruption') return EVICTION_QPS
  return size > LARGE_CLUSTER_SIZE ? SECONDARY_EVICTION_QPS : 0
}

/** A bucket of one token, full at first. */
export class RateLimiter {
  #qps: number
  #nextAt = 0

  constructor(qps: number) {
    this.#qps = qps
  }

  tryAccept(nowMs: number): boolean {
    if (this.#qps === 0 || nowMs < this.#nextAt) return false
    this.#nextAt = nowMs + 1000 / this.#qps
    return true
  }

  /** Who had to wait waits by the new rate from now on. */
  swap(qps: number, nowMs: number): void {
    if (qps === this.#qps) return
    const isEmpty = this.#qps === 0 || nowMs < this.#nextAt
    this.#qps = qps
    if (qps > 0 && isEmpty) this.#nextAt = nowMs + 1000 / qps
  }
}

interface ZoneNode {
  zone: string
  isReady: boolean
  /** Counts for the state of its zone. */
  counts: boolean
}

interface Zone {
  /** All nodes in it. */
  size: number
  ready: number
  notReady: number
  readonly limiter: RateLimiter
  /** Nodes that wait to be given up, and since when; the first comes first. */
  readonly waiting: Map<string, number>
}

export type Change = 'none' | 'disrupted' | 'recovered'

export class Zones {
  readonly #nodes = new Map<string, ZoneNode>()
  readonly #zones = new Map<string, Zone>()
  /** Given up by the rate, until they are seen to be. */
  readonly #granted = new Set<string>()
  #isFullyDisrupted = false

  /** No node of any zone is ready: the fault is more likely here than there, and nothing is given up. */
  get isFullyDisrupted(): boolean {
    return this.#isFullyDisrupted
  }

  get isEmpty(): boolean {
    return this.#nodes.size === 0
  }

  observe(name: string, node: ZoneNode): void {
    const known = this.#nodes.get(name)
    if (known?.zone === node.zone && known.isReady === node.isReady && known.counts === node.counts) return
    if (known !== undefined && (known.zone !== node.zone || node.isReady)) this.#settle(name, known.zone)
    this.#nodes.set(name, node)
    // In this order, or the only node of a zone would take its zone's rate away with its old figures.
    this.#count(node, 1)
    if (known !== undefined) this.#count(known, -1)
  }

  remove(name: string): void {
    const known = this.#nodes.get(name)
    if (known === undefined) return
    this.#count(known, -1)
    this.#settle(name, known.zone)
    this.#nodes.delete(name)
  }

  /** Sets the rates by the zones' states. Tells when everything went down, and when it is over. */
  evaluate(nowMs: number): Change {
    const zones = [...this.#zones.values()].filter(({ ready, notReady }) => ready + notReady > 0)
    const isFull =
      zones.length > 0 && zones.every(({ ready, notReady }) => zoneState(ready, notReady) === 'FullDisruption')
    const change = isFull === this.#isFullyDisrupted ? 'none' : isFull ? 'disrupted' : 'recovered'
    this.#isFullyDisrupted = isFull
    for (const { ready, notReady, limiter } of zones)
      limiter.swap(isFull ? 0 : evictionQPS(zoneState(ready, notReady), ready + notReady), nowMs)
    if (change === 'disrupted') for (const [name, { zone }] of this.#nodes) this.#settle(name, zone)
    return change
  }

  /** Whether the node may be given up now. If not, it is in the queue. */
  mayGiveUp(name: string, nowMs: number): boolean {
    const zone = this.#zones.get(this.#nodes.get(name)?.zone ?? '')
    if (zone === undefined || this.#isFullyDisrupted) return false
    if (this.#granted.has(name)) return true
    const since = zone.waiting.get(name)
    if (since === undefined) zone.waiting.set(name, nowMs)
    if (since === undefined || nowMs - since < MONITOR_PERIOD_MS) return false
    const [first] = zone.waiting.keys()
    if (first !== name || !zone.limiter.tryAccept(nowMs)) return false
    zone.waiting.delete(name)
    this.#granted.add(name)
    return true
  }

  /** The node was given up, or there is no reason any more. */
  settle(name: string): void {
    this.#settle(name, this.#nodes.get(name)?.zone ?? '')
  }

  #settle(name: string, zone: string): void {
    this.#zones.get(zone)?.waiting.delete(name)
    this.#granted.delete(name)
  }

  #count({ zone: key, isReady, counts }: ZoneNode, by: 1 | -1): void {
    const zone = this.#zones.get(key) ?? this.#add(key)
    zone.size += by
    if (counts && isReady) zone.ready += by
    else if (counts) zone.notReady += by
    if (zone.size === 0) this.#zones.delete(key)
  }

  #add(key: string): Zone {
    const limiter = new RateLimiter(EVICTION_QPS)
    const zone: Zone = { size: 0, ready: 0, notReady: 0, limiter, waiting: new Map() }
    this.#zones.set(key, zone)
    return zone
  }
}
