// ReplicaSet: keeps a number of pods.

import { labelSelector } from '../../apimachinery/metadata.ts'
import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { int32, int64, list, ref, required, string, struct, time } from '../../apimachinery/schema.ts'
import { variantOf } from '../../apimachinery/view.ts'
import { podTemplateSpec } from '../core/pod/template.ts'
import { ageColumn, selectorText, templateColumns } from '../columns.ts'
import { validateImmutable } from '../../apimachinery/validation.ts'
import { selectorField, selectorFromTemplate } from './old-defaults.ts'
import { validateSelecting } from './validate.ts'

export const replicaSetSpec = struct('io.k8s.api.apps.v1.ReplicaSetSpec', {
  replicas: int32(1, { default: 1, min: 0 }),
  minReadySeconds: int32(4, { min: 0 }),
  selector: required(ref(2, labelSelector)),
  template: ref(3, podTemplateSpec, { default: {} }),
})
export interface ReplicaSetSpec extends TypeOf<typeof replicaSetSpec> {}

export const replicaSetCondition = struct('io.k8s.api.apps.v1.ReplicaSetCondition', {
  type: required(string(1)),
  status: required(string(2)),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
})
export interface ReplicaSetCondition extends TypeOf<typeof replicaSetCondition> {}

export const replicaSetStatus = struct('io.k8s.api.apps.v1.ReplicaSetStatus', {
  replicas: required(int32(1, { default: 0 })),
  fullyLabeledReplicas: int32(2),
  readyReplicas: int32(4),
  availableReplicas: int32(5),
  terminatingReplicas: int32(7),
  observedGeneration: int64(3),
  conditions: list(6, replicaSetCondition, { list: 'map', keys: ['type'], mergeKey: 'type', strategy: 'merge' }),
})
export interface ReplicaSetStatus extends TypeOf<typeof replicaSetStatus> {}

const replicaSetFields = {
  spec: required(ref(2, replicaSetSpec, { default: {} })),
  status: ref(3, replicaSetStatus, { default: {} }),
}
export interface ReplicaSet extends ObjectWith<typeof replicaSetFields> {}

export const replicaSets = defineResource({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  scope: 'Namespaced',
  shortNames: ['rs'],
  categories: ['all'],
  subresources: {
    status: true,
    scale: { spec: '.spec.replicas', status: '.status.replicas', selector: '.spec.selector' },
  },
  selectable: { 'status.replicas': (set) => String(set.status?.replicas ?? 0) },
  model: 'io.k8s.api.apps.v1.ReplicaSet',
  views: [
    { version: 'v1beta2', deprecated: { since: '1.9', removed: '1.16' } },
    {
      group: 'extensions',
      version: 'v1beta1',
      deprecated: { since: '1.8', removed: '1.16' },
      fields: {
        spec: required(
          ref(
            2,
            variantOf(replicaSetSpec, 'io.k8s.api.extensions.v1beta1.ReplicaSetSpec', { selector: selectorField(2) }),
            { default: {} },
          ),
        ),
      },
      defaults: selectorFromTemplate,
    },
  ],
  fields: replicaSetFields,
  columns: [
    {
      name: 'Desired',
      type: 'integer',
      description: 'How many pods are wanted.',
      cell: ({ spec }) => spec.replicas ?? 0,
    },
    {
      name: 'Current',
      type: 'integer',
      description: 'How many pods there are.',
      cell: ({ status }) => status?.replicas ?? 0,
    },
    {
      name: 'Ready',
      type: 'integer',
      description: 'How many pods are ready.',
      cell: ({ status }) => status?.readyReplicas ?? 0,
    },
    ageColumn,
    ...templateColumns<{ spec: ReplicaSetSpec }>(
      ({ spec }) => spec.template?.spec,
      ({ spec }) => selectorText(spec.selector),
    ),
  ],
  age: false,
  validate({ spec }, issues) {
    validateSelecting(spec, 'ReplicaSet', 'spec', issues)
  },
  validateUpdate(next, previous, issues) {
    validateImmutable(next.spec.selector, previous.spec.selector, 'spec.selector', issues)
  },
})
