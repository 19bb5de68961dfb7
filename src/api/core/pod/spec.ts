// What a pod is to be.

import type { TypeOf } from '../../../apimachinery/schema.ts'
import {
  bool,
  int32,
  int64,
  list,
  mapOf,
  oneOf,
  quantity,
  ref,
  required,
  string,
  struct,
} from '../../../apimachinery/schema.ts'
import { affinity } from './affinity.ts'
import { container, ephemeralContainer } from './container.ts'
import { podSchedulingGate, toleration, topologySpreadConstraint } from './placement.ts'
import { podSecurityContext } from './security.ts'
import { volume } from './volumes.ts'
import { localObjectReference } from '../references.ts'
import { resourceRequirements } from '../resource-requirements.ts'
import { defaultPodSpec } from './defaults.ts'
import { validatePodSpec } from './validate.ts'

export const hostAlias = struct('io.k8s.api.core.v1.HostAlias', {
  ip: required(string(1)),
  hostnames: list(2, string(), { list: 'atomic' }),
})
export interface HostAlias extends TypeOf<typeof hostAlias> {}

export const podDNSConfigOption = struct('io.k8s.api.core.v1.PodDNSConfigOption', {
  name: string(1),
  value: string(2),
})
export interface PodDNSConfigOption extends TypeOf<typeof podDNSConfigOption> {}

export const podDNSConfig = struct('io.k8s.api.core.v1.PodDNSConfig', {
  nameservers: list(1, string(), { list: 'atomic' }),
  searches: list(2, string(), { list: 'atomic' }),
  options: list(3, podDNSConfigOption, { list: 'atomic' }),
})
export interface PodDNSConfig extends TypeOf<typeof podDNSConfig> {}

export const podReadinessGate = struct('io.k8s.api.core.v1.PodReadinessGate', {
  conditionType: required(string(1)),
})
export interface PodReadinessGate extends TypeOf<typeof podReadinessGate> {}

export const podOS = struct('io.k8s.api.core.v1.PodOS', {
  name: required(string(1)),
})
export interface PodOS extends TypeOf<typeof podOS> {}

export const podResourceClaim = struct('io.k8s.api.core.v1.PodResourceClaim', {
  name: required(string(1)),
  resourceClaimName: string(3),
  resourceClaimTemplateName: string(4),
})
export interface PodResourceClaim extends TypeOf<typeof podResourceClaim> {}

export const podSpec = struct(
  'io.k8s.api.core.v1.PodSpec',
  {
    volumes: list(1, volume, { list: 'map', keys: ['name'], mergeKey: 'name', strategy: 'merge,retainKeys' }),
    initContainers: list(20, container, { list: 'map', keys: ['name'], mergeKey: 'name', strategy: 'merge' }),
    containers: required(list(2, container, { list: 'map', keys: ['name'], mergeKey: 'name', strategy: 'merge' })),
    ephemeralContainers: list(34, ephemeralContainer, {
      list: 'map',
      keys: ['name'],
      mergeKey: 'name',
      strategy: 'merge',
    }),
    restartPolicy: oneOf(3, ['Always', 'OnFailure', 'Never'], { default: 'Always' }),
    terminationGracePeriodSeconds: int64(4, { default: 30 }),
    activeDeadlineSeconds: int64(5),
    dnsPolicy: oneOf(6, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'], { default: 'ClusterFirst' }),
    nodeSelector: mapOf(7, string(), { atomic: true }),
    serviceAccountName: string(8),
    serviceAccount: string(9),
    automountServiceAccountToken: bool(21),
    nodeName: string(10),
    hostNetwork: bool(11),
    hostPID: bool(12),
    hostIPC: bool(13),
    shareProcessNamespace: bool(27),
    securityContext: ref(14, podSecurityContext, { default: {} }),
    imagePullSecrets: list(15, localObjectReference, {
      list: 'map',
      keys: ['name'],
      mergeKey: 'name',
      strategy: 'merge',
    }),
    hostname: string(16),
    subdomain: string(17),
    affinity: ref(18, affinity),
    schedulerName: string(19, { default: 'default-scheduler' }),
    tolerations: list(22, toleration, { list: 'atomic' }),
    hostAliases: list(23, hostAlias, { list: 'map', keys: ['ip'], mergeKey: 'ip', strategy: 'merge' }),
    priorityClassName: string(24),
    priority: int32(25),
    dnsConfig: ref(26, podDNSConfig),
    readinessGates: list(28, podReadinessGate, { list: 'atomic' }),
    runtimeClassName: string(29),
    enableServiceLinks: bool(30),
    preemptionPolicy: oneOf(31, ['PreemptLowerPriority', 'Never']),
    overhead: mapOf(32, quantity()),
    topologySpreadConstraints: list(33, topologySpreadConstraint, {
      list: 'map',
      keys: ['topologyKey', 'whenUnsatisfiable'],
      mergeKey: 'topologyKey',
      strategy: 'merge',
    }),
    setHostnameAsFQDN: bool(35),
    os: ref(36, podOS),
    hostUsers: bool(37),
    schedulingGates: list(38, podSchedulingGate, { list: 'map', keys: ['name'], mergeKey: 'name', strategy: 'merge' }),
    resourceClaims: list(39, podResourceClaim, {
      list: 'map',
      keys: ['name'],
      mergeKey: 'name',
      strategy: 'merge,retainKeys',
    }),
    resources: ref(40, resourceRequirements),
    hostnameOverride: string(41),
  },
  {
    defaults(spec) {
      defaultPodSpec(spec)
    },
    validate(spec, at, issues) {
      validatePodSpec(spec, at, issues)
    },
  },
)
export interface PodSpec extends TypeOf<typeof podSpec> {}
