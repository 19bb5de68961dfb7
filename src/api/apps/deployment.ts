// Deployment: rolls a set of pods from one version to the next.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { int32, int64, list, ref, required, string, struct, time } from '../../apimachinery/schema.ts'
import { ageColumn, selectorText, templateColumns } from '../columns.ts'
import { validateImmutable } from '../../apimachinery/validation.ts'
import { type DeploymentSpec, deploymentSpec } from './deployment-spec.ts'
import { deploymentViews } from './deployment-views.ts'
import { validateRollingUpdate, validateSelecting } from './validate.ts'

export const deploymentCondition = struct('io.k8s.api.apps.v1.DeploymentCondition', {
  type: required(string(1)),
  status: required(string(2)),
  lastUpdateTime: time(6),
  lastTransitionTime: time(7),
  reason: string(4),
  message: string(5),
})
export interface DeploymentCondition extends TypeOf<typeof deploymentCondition> {}

export const deploymentStatus = struct('io.k8s.api.apps.v1.DeploymentStatus', {
  observedGeneration: int64(1),
  replicas: int32(2),
  updatedReplicas: int32(3),
  readyReplicas: int32(7),
  availableReplicas: int32(4),
  unavailableReplicas: int32(5),
  terminatingReplicas: int32(9),
  conditions: list(6, deploymentCondition, { list: 'map', keys: ['type'], mergeKey: 'type', strategy: 'merge' }),
  collisionCount: int32(8),
})
export interface DeploymentStatus extends TypeOf<typeof deploymentStatus> {}

const deploymentFields = {
  spec: required(ref(2, deploymentSpec, { default: {} })),
  status: ref(3, deploymentStatus, { default: {} }),
}
export interface Deployment extends ObjectWith<typeof deploymentFields> {}

export const deployments = defineResource({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  scope: 'Namespaced',
  shortNames: ['deploy'],
  categories: ['all'],
  subresources: {
    status: true,
    scale: { spec: '.spec.replicas', status: '.status.replicas', selector: '.spec.selector' },
  },
  model: 'io.k8s.api.apps.v1.Deployment',
  views: deploymentViews,
  fields: deploymentFields,
  columns: [
    {
      name: 'Ready',
      description: 'How many of the wanted pods are ready.',
      cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    },
    {
      name: 'Up-to-date',
      type: 'integer',
      description: 'How many pods follow the newest template.',
      cell: ({ status }) => status?.updatedReplicas ?? 0,
    },
    {
      name: 'Available',
      type: 'integer',
      description: 'How many pods have been ready for long enough.',
      cell: ({ status }) => status?.availableReplicas ?? 0,
    },
    ageColumn,
    ...templateColumns<{ spec: DeploymentSpec }>(
      ({ spec }) => spec.template.spec,
      ({ spec }) => selectorText(spec.selector),
    ),
  ],
  age: false,
  validate({ spec }, issues) {
    validateSelecting(spec, 'Deployment', 'spec', issues)
    const { strategy, progressDeadlineSeconds: deadline, minReadySeconds = 0 } = spec
    if (strategy?.type === 'Recreate' && strategy.rollingUpdate !== undefined) {
      issues.forbidden('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'")
    } else if (strategy?.rollingUpdate !== undefined) {
      validateRollingUpdate(strategy.rollingUpdate, 'spec.strategy.rollingUpdate', issues)
    }
    if (deadline !== undefined && deadline <= minReadySeconds) {
      issues.invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds')
    }
  },
  validateUpdate(next, previous, issues) {
    validateImmutable(next.spec.selector, previous.spec.selector, 'spec.selector', issues)
  },
})
