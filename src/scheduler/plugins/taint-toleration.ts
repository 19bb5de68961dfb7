// TaintToleration: keeps pods off nodes whose taints they do not tolerate, and prefers nodes with fewer taints they mind.

import { tolerates, untoleratedTaint } from '../../api/core/node/placement.ts'
import { definePlugin, fits, neverFits } from '../framework.ts'

export const taintToleration = definePlugin({
  name: 'TaintToleration',
  weight: 3,
  filter({ pod }, { node }) {
    const taint = untoleratedTaint(node?.spec?.taints, pod.spec.tolerations)
    return taint ? neverFits(`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`) : fits
  },
  prepareScore: ({ pod }) => (pod.spec.tolerations ?? []).filter((t) => !t.effect || t.effect === 'PreferNoSchedule'),
  score: (tolerations, _pod, { node }) =>
    (node?.spec?.taints ?? []).filter(
      (taint) => taint.effect === 'PreferNoSchedule' && !tolerations.some((t) => tolerates(t, taint)),
    ).length,
  normalize: 'lower-is-better',
  worthRetrying: ({ pod }, change) =>
    (change.kind === 'node-added' || change.kind === 'node-changed') &&
    untoleratedTaint(change.node.spec?.taints, pod.spec.tolerations) === undefined,
})
