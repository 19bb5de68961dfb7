// NodeResourcesBalancedAllocation: prefers nodes that the pod leaves evenly used in cpu and memory.

import { definePlugin, MAX_SCORE } from '../framework.ts'

export const nodeResourcesBalancedAllocation = definePlugin({
  name: 'NodeResourcesBalancedAllocation',
  // A pod that requests nothing changes no balance.
  prepareScore: ({ requests }) =>
    (requests['cpu'] ?? 0) === 0 && (requests['memory'] ?? 0) === 0 ? undefined : requests,
  score(requests, _pod, { allocatable, requested }) {
    const fraction = (name: string): number => {
      const total = allocatable[name] ?? 0
      return total === 0 ? 1 : Math.min(1, ((requested[name] ?? 0) + (requests[name] ?? 0)) / total)
    }
    const deviation = Math.abs(fraction('cpu') - fraction('memory')) / 2
    return Math.floor((1 - deviation) * MAX_SCORE)
  },
})
