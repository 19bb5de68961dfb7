// What a node is to be.

import type { TypeOf } from '../../../apimachinery/schema.ts'
import { bool, list, ref, required, string, struct, time } from '../../../apimachinery/schema.ts'

export const taint = struct('io.k8s.api.core.v1.Taint', {
  key: required(string(1)),
  value: string(2),
  effect: required(string(3)),
  timeAdded: time(4),
})
export interface Taint extends TypeOf<typeof taint> {}

export const configMapNodeConfigSource = struct('io.k8s.api.core.v1.ConfigMapNodeConfigSource', {
  namespace: required(string(1)),
  name: required(string(2)),
  uid: string(3),
  resourceVersion: string(4),
  kubeletConfigKey: required(string(5)),
})
export interface ConfigMapNodeConfigSource extends TypeOf<typeof configMapNodeConfigSource> {}

export const nodeConfigSource = struct('io.k8s.api.core.v1.NodeConfigSource', {
  configMap: ref(2, configMapNodeConfigSource),
})
export interface NodeConfigSource extends TypeOf<typeof nodeConfigSource> {}

export const nodeSpec = struct('io.k8s.api.core.v1.NodeSpec', {
  podCIDR: string(1),
  podCIDRs: list(7, string(), { list: 'set', strategy: 'merge' }),
  providerID: string(3),
  unschedulable: bool(4),
  taints: list(5, taint, { list: 'atomic' }),
  configSource: ref(6, nodeConfigSource),
  externalID: string(2),
})
export interface NodeSpec extends TypeOf<typeof nodeSpec> {}
