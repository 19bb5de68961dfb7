// DaemonSet: a pod on every node that suits it.

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
import { sameJson } from '../../apimachinery/validation.ts'
import { ageColumn, labelsText, selectorText, templateColumns } from '../columns.ts'
import { podTemplateSpec } from '../core/pod/template.ts'
import { daemonSetViews, TEMPLATE_GENERATION } from './daemon-set-views.ts'
import { validateCollisionCount, validateDaemonSetStrategy, validateSelecting } from './validate.ts'

export const rollingUpdateDaemonSet = struct('io.k8s.api.apps.v1.RollingUpdateDaemonSet', {
  maxUnavailable: intOrString(1),
  maxSurge: intOrString(2),
})
export interface RollingUpdateDaemonSet extends TypeOf<typeof rollingUpdateDaemonSet> {}

export const daemonSetUpdateStrategy = struct(
  'io.k8s.api.apps.v1.DaemonSetUpdateStrategy',
  {
    type: oneOf(1, ['RollingUpdate', 'OnDelete'], { default: 'RollingUpdate', unchecked: true }),
    rollingUpdate: ref(2, rollingUpdateDaemonSet),
  },
  {
    defaults(strategy) {
      if (strategy.type !== 'RollingUpdate') return
      strategy.rollingUpdate = { maxUnavailable: 1, maxSurge: 0, ...strategy.rollingUpdate }
    },
  },
)
export interface DaemonSetUpdateStrategy extends TypeOf<typeof daemonSetUpdateStrategy> {}

export const daemonSetSpec = struct('io.k8s.api.apps.v1.DaemonSetSpec', {
  selector: required(ref(1, labelSelector)),
  template: required(ref(2, podTemplateSpec, { default: {} })),
  updateStrategy: ref(3, daemonSetUpdateStrategy, { default: {} }),
  minReadySeconds: int32(4, { min: 0 }),
  revisionHistoryLimit: int32(6, { default: 10, min: 0 }),
})
export interface DaemonSetSpec extends TypeOf<typeof daemonSetSpec> {}

export const daemonSetCondition = struct('io.k8s.api.apps.v1.DaemonSetCondition', {
  type: required(string(1)),
  status: required(string(2)),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
})
export interface DaemonSetCondition extends TypeOf<typeof daemonSetCondition> {}

export const daemonSetStatus = struct('io.k8s.api.apps.v1.DaemonSetStatus', {
  currentNumberScheduled: required(int32(1, { default: 0, min: 0 })),
  numberMisscheduled: required(int32(2, { default: 0, min: 0 })),
  desiredNumberScheduled: required(int32(3, { default: 0, min: 0 })),
  numberReady: required(int32(4, { default: 0, min: 0 })),
  observedGeneration: int64(5, { min: 0 }),
  updatedNumberScheduled: int32(6, { min: 0 }),
  numberAvailable: int32(7, { min: 0 }),
  numberUnavailable: int32(8, { min: 0 }),
  collisionCount: int32(9, { min: 0 }),
  conditions: list(10, daemonSetCondition, { list: 'map', keys: ['type'], mergeKey: 'type', strategy: 'merge' }),
})
export interface DaemonSetStatus extends TypeOf<typeof daemonSetStatus> {}

const daemonSetFields = {
  spec: required(ref(2, daemonSetSpec, { default: {} })),
  status: ref(3, daemonSetStatus, { default: {} }),
}
export interface DaemonSet extends ObjectWith<typeof daemonSetFields> {}

function templateGeneration({ metadata }: DaemonSet): number {
  const text = metadata.annotations?.[TEMPLATE_GENERATION] ?? ''
  return /^\d{1,15}$/.test(text) ? Math.max(1, Number(text)) : 1
}

function setTemplateGeneration({ metadata }: DaemonSet, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [TEMPLATE_GENERATION]: String(generation) }
}

export const daemonSets = defineResource({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  scope: 'Namespaced',
  shortNames: ['ds'],
  categories: ['all'],
  subresources: { status: true },
  model: 'io.k8s.api.apps.v1.DaemonSet',
  views: daemonSetViews(daemonSetSpec),
  fields: daemonSetFields,
  columns: [
    {
      name: 'Desired',
      type: 'integer',
      description: 'How many nodes should run the pod.',
      cell: ({ status }) => status?.desiredNumberScheduled ?? 0,
    },
    {
      name: 'Current',
      type: 'integer',
      description: 'How many of those nodes have the pod.',
      cell: ({ status }) => status?.currentNumberScheduled ?? 0,
    },
    {
      name: 'Ready',
      type: 'integer',
      description: 'How many pods are ready.',
      cell: ({ status }) => status?.numberReady ?? 0,
    },
    {
      name: 'Up-to-date',
      type: 'integer',
      description: 'How many pods follow the newest template.',
      cell: ({ status }) => status?.updatedNumberScheduled ?? 0,
    },
    {
      name: 'Available',
      type: 'integer',
      description: 'How many pods have been ready for long enough.',
      cell: ({ status }) => status?.numberAvailable ?? 0,
    },
    {
      name: 'Node Selector',
      description: 'The labels of the nodes that suit.',
      cell: ({ spec }) => labelsText(spec.template.spec.nodeSelector),
    },
    ageColumn,
    ...templateColumns<{ spec: DaemonSetSpec }>(
      ({ spec }) => spec.template.spec,
      ({ spec }) => selectorText(spec.selector),
    ),
  ],
  age: false,
  prepareCreate(set) {
    setTemplateGeneration(set, templateGeneration(set))
  },
  prepareUpdate(next, previous) {
    const changed = !sameJson(next.spec.template, previous.spec.template)
    setTemplateGeneration(next, templateGeneration(previous) + (changed ? 1 : 0))
  },
  validate({ spec }, issues) {
    validateSelecting(spec, 'DaemonSet', 'spec', issues)
    validateDaemonSetStrategy(spec.updateStrategy, 'spec.updateStrategy', issues)
  },
  validateStatusUpdate(next, previous, issues) {
    validateCollisionCount(next.status, previous.status, issues)
  },
})
