// The Node object as its agent sees it: labels, resources, addresses, conditions. Pure.

import { rfc3339 } from '../../base/clock.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Node } from '../../api/core/node/node.ts'
import type { NodeCondition, NodeStatus } from '../../api/core/node/status.ts'
import type { Taint } from '../../api/core/node/spec.ts'
import type { Machine } from './machine.ts'

export interface NodeFacts {
  readonly name: string
  readonly addresses: readonly string[]
  readonly machine: Machine
  readonly capacity: Readonly<Record<string, string>>
  readonly allocatable: Readonly<Record<string, string>>
  readonly runtimeVersion: string
  readonly version: string
  /** Undefined: everything works. */
  readonly notReady: string | undefined
  /** What it is short of, by the names of the conditions. */
  readonly pressures: readonly string[]
  readonly images: readonly { readonly names: readonly string[]; readonly sizeBytes: number }[]
  /** 0: the agent serves nothing. */
  readonly port: number
  readonly runtimeHandlers: readonly string[]
}

export function nodeLabels({ name, machine }: NodeFacts): Record<string, string> {
  return {
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': machine.architecture,
  }
}

export function newNode(
  facts: NodeFacts,
  extra: { labels: Readonly<Record<string, string>>; taints: readonly Taint[] },
  now: number,
): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: facts.name,
      labels: { ...extra.labels, ...nodeLabels(facts) },
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    },
    spec: extra.taints.length === 0 ? {} : { taints: [...extra.taints] },
    status: nodeStatus(facts, undefined, now),
  }
}

export function nodeStatus(facts: NodeFacts, before: DeepReadonly<NodeStatus> | undefined, now: number): NodeStatus {
  const { machine } = facts
  return {
    capacity: { ...facts.capacity },
    allocatable: { ...facts.allocatable },
    conditions: conditions(facts, before, now),
    addresses: [
      ...facts.addresses.map((address) => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: facts.name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: facts.port } },
    nodeInfo: {
      machineID: machine.machineID,
      systemUUID: machine.systemUUID,
      bootID: machine.bootID,
      kernelVersion: machine.kernelVersion,
      osImage: machine.osImage,
      containerRuntimeVersion: facts.runtimeVersion,
      kubeletVersion: facts.version,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: machine.architecture,
    },
    images: facts.images.map(({ names, sizeBytes }) => ({ names: [...names], sizeBytes })),
    runtimeHandlers: facts.runtimeHandlers.map((name) => ({ name })),
  }
}

type Wording = readonly [status: string, reason: string, message: string]

function conditions(
  { notReady, pressures }: NodeFacts,
  before: DeepReadonly<NodeStatus> | undefined,
  now: number,
): NodeCondition[] {
  const time = rfc3339(now)
  const words: Readonly<Record<string, Wording>> = {
    MemoryPressure: pressures.includes('MemoryPressure')
      ? ['True', 'KubeletHasInsufficientMemory', 'kubelet has insufficient memory available']
      : ['False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
    DiskPressure: pressures.includes('DiskPressure')
      ? ['True', 'KubeletHasDiskPressure', 'kubelet has disk pressure']
      : ['False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
    PIDPressure: pressures.includes('PIDPressure')
      ? ['True', 'KubeletHasInsufficientPID', 'kubelet has insufficient PID available']
      : ['False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
    Ready:
      notReady === undefined
        ? ['True', 'KubeletReady', 'kubelet is posting ready status']
        : ['False', 'KubeletNotReady', notReady],
  }
  return Object.entries(words).map(([type, [status, reason, message]]) => {
    const old = before?.conditions?.find((condition) => condition.type === type)
    const since = old?.status === status ? old.lastTransitionTime : undefined
    return { type, status, lastHeartbeatTime: time, lastTransitionTime: since ?? time, reason, message }
  })
}

/** What counts as a change that is told at once; the time of the last sign of life does not. */
export function materialText(status: DeepReadonly<NodeStatus> | undefined): string {
  const { capacity, allocatable, conditions: list = [], addresses, daemonEndpoints, nodeInfo, images } = status ?? {}
  const facts = list
    .filter(({ type }) => ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'].includes(type))
    .map(({ type, status: value, reason, message }) => [type, value, reason, message])
    .sort()
  return JSON.stringify([
    sortKeys(capacity),
    sortKeys(allocatable),
    facts,
    addresses,
    daemonEndpoints,
    sortKeys(nodeInfo),
    images,
  ])
}

function sortKeys(value: object | undefined): unknown {
  return Object.entries(value ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
}
