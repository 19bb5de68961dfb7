// NodeName: a pod that names its node goes nowhere else.

import { definePlugin, fits, neverFits } from '../framework.ts'

export const nodeName = definePlugin({
  name: 'NodeName',
  filter: ({ pod }, { name }) =>
    !pod.spec.nodeName || pod.spec.nodeName === name ? fits : neverFits("node(s) didn't match the requested node name"),
  worthRetrying: ({ pod }, change) => change.kind === 'node-added' && change.node.metadata.name === pod.spec.nodeName,
})
