// RuntimeClass: names a way of running containers, what it costs, and where it is to be had.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { list, mapOf, quantity, ref, required, string, struct } from '../../apimachinery/schema.ts'
import { checkLabel, checkValue, validateImmutable, validateLabels } from '../../apimachinery/validation.ts'
import { deprecatedLabelWarnings } from '../core/node/deprecated-labels.ts'
import { toleration } from '../core/pod/placement.ts'
import { validateToleration } from '../core/pod/validate.ts'
import { validateResources } from '../core/pod/validate-resources.ts'

export const overhead = struct('io.k8s.api.node.v1.Overhead', {
  podFixed: mapOf(1, quantity()),
})
export interface Overhead extends TypeOf<typeof overhead> {}

export const scheduling = struct('io.k8s.api.node.v1.Scheduling', {
  nodeSelector: mapOf(1, string(), { atomic: true }),
  tolerations: list(2, toleration, { list: 'atomic' }),
})
export interface Scheduling extends TypeOf<typeof scheduling> {}

const runtimeClassFields = {
  handler: required(string(2, { default: '' })),
  overhead: ref(3, overhead),
  scheduling: ref(4, scheduling),
}
export interface RuntimeClass extends ObjectWith<typeof runtimeClassFields> {}

export const runtimeClasses = defineResource({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  plural: 'runtimeclasses',
  scope: 'Cluster',
  unconditionalUpdate: false,
  model: 'io.k8s.api.node.v1.RuntimeClass',
  fields: runtimeClassFields,
  columns: [{ name: 'Handler', description: 'What the node calls it.', cell: ({ handler }) => handler }],
  validate({ handler, overhead: cost, scheduling: where }, issues) {
    checkValue(handler, checkLabel, 'handler', issues)
    if (cost !== undefined) validateResources({ limits: cost.podFixed ?? {} }, 'overhead', issues)
    validateLabels(where?.nodeSelector, 'scheduling.nodeSelector', issues)
    where?.tolerations?.forEach((item, i) => {
      validateToleration(item, `scheduling.tolerations[${i}]`, issues)
    })
  },
  validateUpdate(next, previous, issues) {
    validateImmutable(next.handler, previous.handler, 'handler', issues)
  },
  warnings: ({ scheduling: where }) =>
    Object.keys(where?.nodeSelector ?? {}).flatMap((label) =>
      deprecatedLabelWarnings(label, 'scheduling.nodeSelector'),
    ),
})
