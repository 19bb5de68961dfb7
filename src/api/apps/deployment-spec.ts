// What a Deployment asks for.

import { labelSelector } from '../../apimachinery/metadata.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { bool, int32, intOrString, oneOf, ref, required, struct } from '../../apimachinery/schema.ts'
import { podTemplateSpec } from '../core/pod/template.ts'

export const rollingUpdateDeployment = struct('io.k8s.api.apps.v1.RollingUpdateDeployment', {
  maxUnavailable: intOrString(1),
  maxSurge: intOrString(2),
})
export interface RollingUpdateDeployment extends TypeOf<typeof rollingUpdateDeployment> {}

export const deploymentStrategy = struct(
  'io.k8s.api.apps.v1.DeploymentStrategy',
  {
    type: oneOf(1, ['Recreate', 'RollingUpdate'], { default: 'RollingUpdate' }),
    rollingUpdate: ref(2, rollingUpdateDeployment),
  },
  {
    defaults(strategy) {
      if (strategy.type !== 'RollingUpdate') return
      strategy.rollingUpdate = { maxUnavailable: '25%', maxSurge: '25%', ...strategy.rollingUpdate }
    },
  },
)
export interface DeploymentStrategy extends TypeOf<typeof deploymentStrategy> {}

export const deploymentSpec = struct('io.k8s.api.apps.v1.DeploymentSpec', {
  replicas: int32(1, { default: 1, min: 0 }),
  selector: required(ref(2, labelSelector)),
  template: required(ref(3, podTemplateSpec, { default: {} })),
  strategy: ref(4, deploymentStrategy, { default: {}, strategy: 'retainKeys' }),
  minReadySeconds: int32(5, { min: 0 }),
  revisionHistoryLimit: int32(6, { default: 10, min: 0 }),
  paused: bool(7),
  progressDeadlineSeconds: int32(9, { default: 600, min: 0 }),
})
export interface DeploymentSpec extends TypeOf<typeof deploymentSpec> {}
