// PodDisruptionBudget: how many pods of a set may be down at the same time by choice.

import { condition, labelSelector } from '../../apimachinery/metadata.ts'
import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import {
  int32,
  int64,
  intOrString,
  list,
  mapOf,
  oneOf,
  ref,
  required,
  struct,
  time,
} from '../../apimachinery/schema.ts'
import { validateLabelSelector } from '../../apimachinery/validation.ts'
import { validateShare } from '../apps/validate.ts'
import { validateConditions } from '../conditions.ts'
import { podDisruptionBudgetViews } from './pod-disruption-budget-views.ts'

export const podDisruptionBudgetSpec = struct('io.k8s.api.policy.v1.PodDisruptionBudgetSpec', {
  minAvailable: intOrString(1),
  selector: ref(2, labelSelector, { strategy: 'replace' }),
  maxUnavailable: intOrString(3),
  unhealthyPodEvictionPolicy: oneOf(4, ['IfHealthyBudget', 'AlwaysAllow']),
})
export interface PodDisruptionBudgetSpec extends TypeOf<typeof podDisruptionBudgetSpec> {}

export const podDisruptionBudgetStatus = struct('io.k8s.api.policy.v1.PodDisruptionBudgetStatus', {
  observedGeneration: int64(1),
  disruptedPods: mapOf(2, time()),
  disruptionsAllowed: required(int32(3, { default: 0, min: 0 })),
  currentHealthy: required(int32(4, { default: 0, min: 0 })),
  desiredHealthy: required(int32(5, { default: 0, min: 0 })),
  expectedPods: required(int32(6, { default: 0, min: 0 })),
  conditions: list(7, condition, { list: 'map', keys: ['type'], mergeKey: 'type', strategy: 'merge' }),
})
export interface PodDisruptionBudgetStatus extends TypeOf<typeof podDisruptionBudgetStatus> {}

const podDisruptionBudgetFields = {
  spec: required(ref(2, podDisruptionBudgetSpec, { default: {} })),
  status: ref(3, podDisruptionBudgetStatus, { default: {} }),
}
export interface PodDisruptionBudget extends ObjectWith<typeof podDisruptionBudgetFields> {}

export const podDisruptionBudgets = defineResource({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  scope: 'Namespaced',
  shortNames: ['pdb'],
  // Evictions count by its status: who changes it must have seen what is there.
  unconditionalUpdate: false,
  subresources: { status: true },
  model: 'io.k8s.api.policy.v1.PodDisruptionBudget',
  views: podDisruptionBudgetViews(podDisruptionBudgetSpec),
  fields: podDisruptionBudgetFields,
  columns: [
    {
      name: 'Min Available',
      description: 'How many pods must stay.',
      cell: ({ spec }) => String(spec.minAvailable ?? 'N/A'),
    },
    {
      name: 'Max Unavailable',
      description: 'How many pods may be missing.',
      cell: ({ spec }) => String(spec.maxUnavailable ?? 'N/A'),
    },
    {
      name: 'Allowed Disruptions',
      type: 'integer',
      description: 'How many pods may be evicted now.',
      cell: ({ status }) => status?.disruptionsAllowed ?? 0,
    },
  ],
  validate({ spec }, issues) {
    const { minAvailable, maxUnavailable } = spec
    if (minAvailable !== undefined && maxUnavailable !== undefined) {
      issues.invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set')
    }
    if (minAvailable !== undefined) validateShare(minAvailable, 'spec.minAvailable', issues)
    if (maxUnavailable !== undefined) validateShare(maxUnavailable, 'spec.maxUnavailable', issues)
    validateLabelSelector(spec.selector, 'spec.selector', issues)
  },
  validateStatusUpdate({ status }, _previous, issues) {
    validateConditions(status?.conditions ?? [], 'status.conditions', issues)
  },
})
