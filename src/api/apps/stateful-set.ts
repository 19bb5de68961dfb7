// StatefulSet: pods that keep their names, their order and their volumes.

import { labelSelector } from '../../apimachinery/metadata.ts'
import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import {
  int32,
  int64,
  intOrString,
  list,
  oneOf,
  ref,
  required,
  string,
  struct,
  time,
} from '../../apimachinery/schema.ts'
import { ageColumn, templateColumns } from '../columns.ts'
import { persistentVolumeClaims } from '../core/persistent-volume-claim/persistent-volume-claim.ts'
import { podTemplateSpec } from '../core/pod/template.ts'
import { variantOf } from '../../apimachinery/view.ts'
import { selectorField, selectorFromTemplate, updateOnDelete } from './old-defaults.ts'
import { validateStatefulSet, validateStatefulSetStatus, validateStatefulSetUpdate } from './validate-stateful-set.ts'

export const rollingUpdateStatefulSetStrategy = struct('io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy', {
  partition: int32(1, { default: 0, min: 0 }),
  maxUnavailable: intOrString(2, { default: 1 }),
})
export interface RollingUpdateStatefulSetStrategy extends TypeOf<typeof rollingUpdateStatefulSetStrategy> {}

export const statefulSetUpdateStrategy = struct(
  'io.k8s.api.apps.v1.StatefulSetUpdateStrategy',
  {
    type: oneOf(1, ['RollingUpdate', 'OnDelete'], { default: 'RollingUpdate', unchecked: true }),
    rollingUpdate: ref(2, rollingUpdateStatefulSetStrategy),
  },
  {
    defaults(strategy) {
      if (strategy.type === 'RollingUpdate') strategy.rollingUpdate ??= { partition: 0, maxUnavailable: 1 }
    },
  },
)
export interface StatefulSetUpdateStrategy extends TypeOf<typeof statefulSetUpdateStrategy> {}

const RETENTION = ['Retain', 'Delete'] as const

export const statefulSetPersistentVolumeClaimRetentionPolicy = struct(
  'io.k8s.api.apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy',
  {
    whenDeleted: oneOf(1, RETENTION, { default: 'Retain' }),
    whenScaled: oneOf(2, RETENTION, { default: 'Retain' }),
  },
)
export interface StatefulSetPersistentVolumeClaimRetentionPolicy
  extends TypeOf<typeof statefulSetPersistentVolumeClaimRetentionPolicy> {}

export const statefulSetOrdinals = struct('io.k8s.api.apps.v1.StatefulSetOrdinals', { start: int32(1, { min: 0 }) })
export interface StatefulSetOrdinals extends TypeOf<typeof statefulSetOrdinals> {}

export const statefulSetSpec = struct('io.k8s.api.apps.v1.StatefulSetSpec', {
  replicas: int32(1, { default: 1, min: 0 }),
  selector: required(ref(2, labelSelector)),
  // Its containers may mount what only the claims below promise.
  template: required(ref(3, podTemplateSpec, { default: {}, unchecked: true })),
  volumeClaimTemplates: list(4, persistentVolumeClaims.struct, { list: 'atomic' }),
  serviceName: string(5),
  podManagementPolicy: oneOf(6, ['OrderedReady', 'Parallel'], { default: 'OrderedReady', unchecked: true }),
  updateStrategy: ref(7, statefulSetUpdateStrategy, { default: {} }),
  revisionHistoryLimit: int32(8, { default: 10, min: 0 }),
  minReadySeconds: int32(9, { min: 0 }),
  persistentVolumeClaimRetentionPolicy: ref(10, statefulSetPersistentVolumeClaimRetentionPolicy, { default: {} }),
  ordinals: ref(11, statefulSetOrdinals),
})
export interface StatefulSetSpec extends TypeOf<typeof statefulSetSpec> {}

export const statefulSetCondition = struct('io.k8s.api.apps.v1.StatefulSetCondition', {
  type: required(string(1)),
  status: required(string(2)),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
})
export interface StatefulSetCondition extends TypeOf<typeof statefulSetCondition> {}

export const statefulSetStatus = struct('io.k8s.api.apps.v1.StatefulSetStatus', {
  observedGeneration: int64(1, { min: 0 }),
  replicas: required(int32(2, { default: 0, min: 0 })),
  readyReplicas: int32(3, { min: 0 }),
  currentReplicas: int32(4, { min: 0 }),
  updatedReplicas: int32(5, { min: 0 }),
  currentRevision: string(6),
  updateRevision: string(7),
  collisionCount: int32(9, { min: 0 }),
  conditions: list(10, statefulSetCondition, { list: 'map', keys: ['type'], mergeKey: 'type', strategy: 'merge' }),
  availableReplicas: int32(11, { default: 0, min: 0, always: true }),
})
export interface StatefulSetStatus extends TypeOf<typeof statefulSetStatus> {}

const statefulSetFields = {
  spec: required(ref(2, statefulSetSpec, { default: {} })),
  status: ref(3, statefulSetStatus, { default: {} }),
}
export interface StatefulSet extends ObjectWith<typeof statefulSetFields> {}

export const statefulSets = defineResource({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  scope: 'Namespaced',
  shortNames: ['sts'],
  categories: ['all'],
  // Pods are called after the set, and their names are host names.
  names: 'dns-label',
  subresources: {
    status: true,
    scale: { spec: '.spec.replicas', status: '.status.replicas', selector: '.spec.selector' },
  },
  model: 'io.k8s.api.apps.v1.StatefulSet',
  views: [
    { version: 'v1beta2', deprecated: { since: '1.9', removed: '1.16' } },
    {
      version: 'v1beta1',
      deprecated: { since: '1.8', removed: '1.16' },
      fields: {
        spec: required(
          ref(
            2,
            variantOf(statefulSetSpec, 'io.k8s.api.apps.v1beta1.StatefulSetSpec', { selector: selectorField(2) }),
            { default: {} },
          ),
        ),
      },
      defaults(object) {
        const spec = selectorFromTemplate(object)
        if (spec) updateOnDelete(spec)
      },
    },
  ],
  fields: statefulSetFields,
  columns: [
    {
      name: 'Ready',
      description: 'How many of the wanted pods are ready.',
      cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    },
    ageColumn,
    ...templateColumns<{ spec: StatefulSetSpec }>(
      ({ spec }) => spec.template.spec,
      () => '',
    ).filter(({ name }) => name !== 'Selector'),
  ],
  age: false,
  defaults({ spec }) {
    // Clients that compare or apply templates expect them to say what they are.
    spec.volumeClaimTemplates?.forEach((claim) => {
      claim.apiVersion = persistentVolumeClaims.apiVersion
      claim.kind = persistentVolumeClaims.kind
    })
  },
  validate(set, issues) {
    validateStatefulSet(set, issues)
  },
  validateUpdate(next, previous, issues) {
    validateStatefulSetUpdate(next, previous, issues)
  },
  validateStatusUpdate(next, previous, issues) {
    validateStatefulSetStatus(next, previous, issues)
  },
})
