// One scheduling decision: which node for which pod, or why none. Pure but for the random choice among equals.

import type { Random } from '../base/random.ts'
import { MAX_SCORE, type Plugin } from './framework.ts'
import type { PodInfo } from './pod-info.ts'
import type { NodeInfo, Snapshot } from './snapshot.ts'

export type Decision =
  | { node: string }
  /** `plugins`: those that refused at least one node; a change they care about is worth another try. */
  | { node?: undefined; message: string; plugins: ReadonlySet<string> }

export interface CycleContext {
  snapshot: Snapshot
  plugins: readonly Plugin[]
  random: Random
}

/** With fewer nodes all are looked at; with more a share that shrinks to 5 % (upstream numFeasibleNodesToFind). */
const MIN_FEASIBLE = 100
const MIN_PERCENT = 5

export function nodesToFind(total: number): number {
  if (total < MIN_FEASIBLE) return total
  const percent = Math.max(MIN_PERCENT, 50 - Math.floor(total / 125))
  return Math.max(MIN_FEASIBLE, Math.floor((total * percent) / 100))
}

export class Cycle {
  readonly #context: CycleContext
  readonly #filters: readonly Plugin[]
  readonly #scorers: readonly Plugin[]
  /** Where the search goes on, so that every node gets its turn. */
  #start = 0

  constructor(context: CycleContext) {
    this.#context = context
    this.#filters = context.plugins.filter((p) => p.filter)
    this.#scorers = context.plugins.filter((p) => p.score && p.prepareScore)
  }

  decide(pod: PodInfo): Decision {
    const nodes = this.#context.snapshot.nodes
    if (nodes.length === 0)
      return { message: '0/0 nodes are available: no nodes available to schedule pods.', plugins: new Set() }
    const wanted = nodesToFind(nodes.length)
    const feasible: NodeInfo[] = []
    const refusals = new Refusals()
    let looked = 0
    for (; looked < nodes.length && feasible.length < wanted; looked++) {
      const node = nodes[(this.#start + looked) % nodes.length]
      if (node && this.#fits(pod, node, refusals)) feasible.push(node)
    }
    this.#start = (this.#start + looked) % nodes.length
    if (feasible.length === 0) return { message: refusals.message(nodes.length), plugins: refusals.plugins }
    const [only] = feasible
    if (feasible.length === 1 && only) return { node: only.name }
    return { node: this.#best(pod, feasible) }
  }

  #fits(pod: PodInfo, node: NodeInfo, refusals: Refusals): boolean {
    for (const plugin of this.#filters) {
      const verdict = plugin.filter?.(pod, node)
      if (!verdict || verdict.fits) continue
      refusals.add(plugin.name, verdict.reasons)
      return false
    }
    return true
  }

  #best(pod: PodInfo, nodes: readonly NodeInfo[]): string {
    const totals = new Float64Array(nodes.length)
    for (const plugin of this.#scorers) {
      const prepared = plugin.prepareScore?.(pod)
      if (prepared === undefined) continue
      const scores = nodes.map((node) => plugin.score?.(prepared, pod, node) ?? 0)
      normalize(scores, plugin.normalize)
      for (const [i, score] of scores.entries()) totals[i] = (totals[i] ?? 0) + score * (plugin.weight ?? 1)
    }
    let best = 0
    let equals = 1
    for (let i = 1; i < nodes.length; i++) {
      const difference = (totals[i] ?? 0) - (totals[best] ?? 0)
      if (difference > 0) {
        best = i
        equals = 1
      } else if (difference === 0 && this.#context.random.next() < 1 / ++equals) {
        // Each of the equals is as likely as any other.
        best = i
      }
    }
    return nodes[best]?.name ?? ''
  }
}

function normalize(scores: number[], way: Plugin['normalize']): void {
  if (way === undefined) return
  let highest = 0
  for (const score of scores) if (score > highest) highest = score
  for (const [i, score] of scores.entries()) {
    const share = highest === 0 ? 0 : Math.floor((score * MAX_SCORE) / highest)
    scores[i] = way === 'lower-is-better' ? MAX_SCORE - share : share
  }
}

/** Counts reasons over nodes. */
class Refusals {
  readonly plugins = new Set<string>()
  readonly #counts = new Map<string, number>()

  add(plugin: string, reasons: readonly string[]): void {
    this.plugins.add(plugin)
    for (const reason of reasons) this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1)
  }

  /** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` */
  message(nodes: number): string {
    const counted = [...this.#counts].map(([reason, count]) => `${count} ${reason}`).sort()
    return `0/${nodes} nodes are available: ${counted.join(', ')}.`
  }
}
