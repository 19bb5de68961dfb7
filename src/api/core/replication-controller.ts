// ReplicationController: keeps a number of pods, by a plain map of labels.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { int32, int64, list, mapOf, ref, required, string, struct, time } from '../../apimachinery/schema.ts'
import { podTemplateSpec } from './pod/template.ts'
import { ageColumn, labelsText, templateColumns } from '../columns.ts'
import { validateLabels } from '../../apimachinery/validation.ts'
import { selectorOfMap } from '../../apimachinery/selectors/labels.ts'
import { SELECTOR_MISMATCH, validateRunningTemplate } from './pod/validate-template.ts'

export const replicationControllerSpec = struct(
  'io.k8s.api.core.v1.ReplicationControllerSpec',
  {
    replicas: int32(1, { default: 1, min: 0 }),
    minReadySeconds: int32(4, { min: 0 }),
    selector: mapOf(2, string(), { atomic: true }),
    template: ref(3, podTemplateSpec),
  },
  {
    // Without a selector, the pods are those that look like the template.
    defaults(spec) {
      const labels = spec.template?.metadata?.labels
      if (labels !== undefined && Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels }
    },
  },
)
export interface ReplicationControllerSpec extends TypeOf<typeof replicationControllerSpec> {}

export const replicationControllerCondition = struct('io.k8s.api.core.v1.ReplicationControllerCondition', {
  type: required(string(1)),
  status: required(string(2)),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
})
export interface ReplicationControllerCondition extends TypeOf<typeof replicationControllerCondition> {}

export const replicationControllerStatus = struct('io.k8s.api.core.v1.ReplicationControllerStatus', {
  replicas: required(int32(1, { default: 0 })),
  fullyLabeledReplicas: int32(2),
  readyReplicas: int32(4),
  availableReplicas: int32(5),
  observedGeneration: int64(3),
  conditions: list(6, replicationControllerCondition, {
    list: 'map',
    keys: ['type'],
    mergeKey: 'type',
    strategy: 'merge',
  }),
})
export interface ReplicationControllerStatus extends TypeOf<typeof replicationControllerStatus> {}

interface ReplicationControllerShape {
  spec: ReplicationControllerSpec
}

const replicationControllerFields = {
  spec: required(ref(2, replicationControllerSpec, { default: {} })),
  status: ref(3, replicationControllerStatus, { default: {} }),
}
export interface ReplicationController extends ObjectWith<typeof replicationControllerFields> {}

export const replicationControllers = defineResource({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  scope: 'Namespaced',
  shortNames: ['rc'],
  categories: ['all'],
  defaultPropagation: 'Orphan',
  subresources: {
    status: true,
    scale: { spec: '.spec.replicas', status: '.status.replicas', selector: '.spec.selector' },
  },
  selectable: { 'status.replicas': (controller) => String(controller.status?.replicas ?? 0) },
  model: 'io.k8s.api.core.v1.ReplicationController',
  fields: replicationControllerFields,
  defaults(controller) {
    const labels = controller.spec.template?.metadata?.labels
    if (labels !== undefined && controller.metadata.labels === undefined) controller.metadata.labels = { ...labels }
  },
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
    ...templateColumns<ReplicationControllerShape>(
      ({ spec }) => spec.template?.spec,
      ({ spec }) => labelsText(spec.selector),
    ),
  ],
  age: false,
  validate({ spec }, issues) {
    const { selector = {}, template } = spec
    validateLabels(selector, 'spec.selector', issues)
    if (Object.keys(selector).length === 0) issues.required('spec.selector')
    if (template === undefined) {
      issues.required('spec.template')
      return
    }
    const labels = template.metadata?.labels ?? {}
    if (!selectorOfMap(selector).matches(labels))
      issues.invalid('spec.template.metadata.labels', labels, SELECTOR_MISMATCH)
    validateRunningTemplate(template, 'ReplicationController', 'spec.template', issues)
  },
})
