// Gives every node a range of the pod network.

import { nodes } from '../../api/core/node/node.ts'
import { type Controller, defineController } from '../controller.ts'
import { isGone } from '../refusals.ts'
import { type RangeOptions, Ranges } from './ranges.ts'

export function nodeIpamController(options: RangeOptions): Controller {
  const ranges = new Ranges(options)
  /** Handed out, and perhaps not in the cache yet. */
  const handedOut = new Map<string, string>()
  return defineController({
    name: 'node-ipam-controller',
    account: 'node-controller',
    for: nodes,
    // Two workers would hand out the same range.
    workers: 1,
    async reconcile({ api, cache, events, log, signal }, key) {
      const node = cache.get(nodes, key)
      if (node === undefined || node.spec?.podCIDR) {
        handedOut.delete(key.name)
        return undefined
      }
      if (node.metadata.deletionTimestamp !== undefined) return undefined
      const taken = new Set(handedOut.values())
      for (const { spec } of cache.list(nodes)) if (spec?.podCIDR) taken.add(spec.podCIDR)
      const range = handedOut.get(key.name) ?? ranges.free(taken)
      if (range === undefined) {
        const reason = 'CIDRNotAvailable'
        events.event(node, 'Normal', reason, `Node ${key.name} status is now: ${reason}`)
        throw new Error(`Cannot give node "${key.name}" a range: all ${ranges.count} are taken`)
      }
      handedOut.set(key.name, range)
      const body = { metadata: { uid: node.metadata.uid }, spec: { podCIDR: range, podCIDRs: [range] } }
      try {
        await api.patch(nodes, key, { type: 'strategic', body }, { signal })
        log.info('Gave a node its range', { node: key.name, range })
      } catch (error) {
        if (!isGone(error)) throw error
        handedOut.delete(key.name)
      }
      return undefined
    },
  })
}
