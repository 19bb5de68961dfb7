// NodePorts: two pods cannot have the same host port on one node.

import { definePlugin, fits, mayFitAfterPreemption } from '../framework.ts'
import { hostPorts } from '../pod-info.ts'
import { portsClash } from '../snapshot.ts'

export const nodePorts = definePlugin({
  name: 'NodePorts',
  filter({ hostPorts: wanted }, { pods }) {
    if (wanted.length === 0) return fits
    for (const other of pods.values()) {
      for (const used of other.hostPorts) {
        if (wanted.some((w) => portsClash(w, used)))
          return mayFitAfterPreemption("node(s) didn't have free ports for the requested pod ports")
      }
    }
    return fits
  },
  worthRetrying: ({ hostPorts: wanted }, change) =>
    change.kind === 'node-added' ||
    (change.kind === 'pod-removed' && hostPorts(change.pod).some((used) => wanted.some((w) => portsClash(w, used)))),
})
