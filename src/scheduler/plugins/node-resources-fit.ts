// NodeResourcesFit: a node must have what the pod requests; nodes with more left are preferred (LeastAllocated).

import { definePlugin, fits, MAX_SCORE, mayFitAfterPreemption, neverFits } from '../framework.ts'
import { amounts } from '../pod-info.ts'

export const nodeResourcesFit = definePlugin({
  name: 'NodeResourcesFit',
  filter({ requests }, { allocatable, requested, pods }) {
    const reasons: string[] = []
    let beyondNode = false
    if (pods.size + 1 > (allocatable['pods'] ?? 0)) reasons.push('Too many pods')
    for (const name in requests) {
      const wanted = requests[name] ?? 0
      if (wanted === 0) continue
      const total = allocatable[name] ?? 0
      if (wanted <= total - (requested[name] ?? 0)) continue
      reasons.push(`Insufficient ${name}`)
      if (wanted > total) beyondNode = true
    }
    if (reasons.length === 0) return fits
    return beyondNode ? neverFits(...reasons) : mayFitAfterPreemption(...reasons)
  },
  prepareScore: ({ scored }) => scored,
  score(scored, _pod, node) {
    const cpu = leastAllocated(node.scored.cpu + scored.cpu, node.allocatable['cpu'] ?? 0)
    const memory = leastAllocated(node.scored.memory + scored.memory, node.allocatable['memory'] ?? 0)
    return Math.floor((cpu + memory) / 2)
  },
  worthRetrying(_pod, change) {
    if (change.kind === 'node-added') return true
    if (change.kind === 'node-changed') {
      const now = amounts(change.node.status?.allocatable)
      const before = amounts(change.previous.status?.allocatable)
      return Object.keys(now).some((name) => (now[name] ?? 0) > (before[name] ?? 0))
    }
    // A pod that goes frees its place at least.
    return true
  },
})

function leastAllocated(requested: number, capacity: number): number {
  return capacity === 0 || requested > capacity ? 0 : Math.floor(((capacity - requested) * MAX_SCORE) / capacity)
}
