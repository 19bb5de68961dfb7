// NodeAffinity: node selectors and required node affinity as a filter, preferred node affinity as a score.

import { matchesNodeSelection, matchesNodeSelectorTerm } from '../../api/core/node/placement.ts'
import { definePlugin, fits, neverFits } from '../framework.ts'

export const nodeAffinity = definePlugin({
  name: 'NodeAffinity',
  weight: 2,
  filter: ({ pod }, { node }) =>
    node && matchesNodeSelection(pod.spec, node)
      ? fits
      : neverFits("node(s) didn't match Pod's node affinity/selector"),
  prepareScore: ({ pod }) => pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution,
  score(terms, _pod, { node }) {
    let score = 0
    for (const { weight, preference } of terms)
      if (node && weight && matchesNodeSelectorTerm(preference, node)) score += weight
    return score
  },
  normalize: 'higher-is-better',
  worthRetrying: ({ pod }, change) =>
    (change.kind === 'node-added' || change.kind === 'node-changed') && matchesNodeSelection(pod.spec, change.node),
})
