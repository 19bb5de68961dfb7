// NodeUnschedulable: keeps pods off cordoned nodes, unless they tolerate it.

import { tolerates } from '../../api/core/node/placement.ts'
import { definePlugin, fits, neverFits } from '../framework.ts'

const TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const

export const nodeUnschedulable = definePlugin({
  name: 'NodeUnschedulable',
  filter({ pod }, { node }) {
    if (!node?.spec?.unschedulable) return fits
    return pod.spec.tolerations?.some((t) => tolerates(t, TAINT)) ? fits : neverFits('node(s) were unschedulable')
  },
  worthRetrying: (_pod, change) =>
    change.kind === 'node-added' || (change.kind === 'node-changed' && !change.node.spec?.unschedulable),
})
