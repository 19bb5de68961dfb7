// A container of a pod, and the ephemeral kind that is added to a running one.

import type { FieldsOf, TypeOf } from '../../../apimachinery/schema.ts'
import { bool, int32, list, oneOf, ref, required, string, struct } from '../../../apimachinery/schema.ts'
import { envFromSource, envVar } from './environment.ts'
import { lifecycle, probe } from './probe.ts'
import { securityContext } from './security.ts'
import { resourceRequirements } from '../resource-requirements.ts'
import { defaultContainer } from './defaults.ts'

export const containerPort = struct('io.k8s.api.core.v1.ContainerPort', {
  name: string(1),
  hostPort: int32(2),
  containerPort: required(int32(3, { default: 0 })),
  protocol: oneOf(4, ['TCP', 'UDP', 'SCTP'], { default: 'TCP' }),
  hostIP: string(5),
})
export interface ContainerPort extends TypeOf<typeof containerPort> {}

export const containerResizePolicy = struct('io.k8s.api.core.v1.ContainerResizePolicy', {
  resourceName: required(string(1)),
  restartPolicy: required(string(2)),
})
export interface ContainerResizePolicy extends TypeOf<typeof containerResizePolicy> {}

export const containerRestartRuleOnExitCodes = struct('io.k8s.api.core.v1.ContainerRestartRuleOnExitCodes', {
  operator: string(1),
  values: list(2, int32(), { list: 'set' }),
})
export interface ContainerRestartRuleOnExitCodes extends TypeOf<typeof containerRestartRuleOnExitCodes> {}

export const containerRestartRule = struct('io.k8s.api.core.v1.ContainerRestartRule', {
  action: string(1),
  exitCodes: ref(2, containerRestartRuleOnExitCodes),
})
export interface ContainerRestartRule extends TypeOf<typeof containerRestartRule> {}

export const volumeMount = struct('io.k8s.api.core.v1.VolumeMount', {
  name: required(string(1)),
  readOnly: bool(2),
  recursiveReadOnly: string(7),
  mountPath: required(string(3)),
  subPath: string(4),
  mountPropagation: oneOf(5, ['None', 'HostToContainer', 'Bidirectional']),
  subPathExpr: string(6),
})
export interface VolumeMount extends TypeOf<typeof volumeMount> {}

export const volumeDevice = struct('io.k8s.api.core.v1.VolumeDevice', {
  name: required(string(1)),
  devicePath: required(string(2)),
})
export interface VolumeDevice extends TypeOf<typeof volumeDevice> {}

/** What containers and ephemeral containers have in common: everything but the latter's target. */
export const containerFields = {
  name: required(string(1)),
  image: string(2),
  command: list(3, string(), { list: 'atomic' }),
  args: list(4, string(), { list: 'atomic' }),
  workingDir: string(5),
  ports: list(6, containerPort, {
    list: 'map',
    keys: ['containerPort', 'protocol'],
    mergeKey: 'containerPort',
    strategy: 'merge',
  }),
  envFrom: list(19, envFromSource, { list: 'atomic' }),
  env: list(7, envVar, { list: 'map', keys: ['name'], mergeKey: 'name', strategy: 'merge' }),
  resources: ref(8, resourceRequirements, { default: {} }),
  resizePolicy: list(23, containerResizePolicy, { list: 'atomic' }),
  restartPolicy: string(24),
  restartPolicyRules: list(25, containerRestartRule, { list: 'atomic' }),
  volumeMounts: list(9, volumeMount, { list: 'map', keys: ['mountPath'], mergeKey: 'mountPath', strategy: 'merge' }),
  volumeDevices: list(21, volumeDevice, {
    list: 'map',
    keys: ['devicePath'],
    mergeKey: 'devicePath',
    strategy: 'merge',
  }),
  livenessProbe: ref(10, probe),
  readinessProbe: ref(11, probe),
  startupProbe: ref(22, probe),
  lifecycle: ref(12, lifecycle),
  terminationMessagePath: string(13, { default: '/dev/termination-log' }),
  terminationMessagePolicy: oneOf(20, ['File', 'FallbackToLogsOnError'], { default: 'File' }),
  imagePullPolicy: oneOf(14, ['Always', 'Never', 'IfNotPresent']),
  securityContext: ref(15, securityContext),
  stdin: bool(16),
  stdinOnce: bool(17),
  tty: bool(18),
}

export const container = struct('io.k8s.api.core.v1.Container', containerFields, {
  defaults(value) {
    defaultContainer(value)
  },
})
export interface Container extends TypeOf<typeof container> {}

export type EphemeralContainerCommon = FieldsOf<typeof containerFields>

export const ephemeralContainer = struct(
  'io.k8s.api.core.v1.EphemeralContainer',
  {
    ...containerFields,
    targetContainerName: string(2),
  },
  {
    defaults(container) {
      defaultContainer(container)
    },
  },
)
export interface EphemeralContainer extends TypeOf<typeof ephemeralContainer> {}
