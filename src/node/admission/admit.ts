// Whether this node takes a pod that was given to it: room, labels, ports, taints, kernel settings, pressure. Pure; upstream's reasons and messages.

import { quantityMillis, quantityValue } from '../../apimachinery/quantity.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Node } from '../../api/core/node/node.ts'
import { matchesNodeSelection, tolerates, untoleratedTaint } from '../../api/core/node/placement.ts'
import { podRequests, qosClass } from '../../api/core/pod/requests.ts'
import type { NodePod } from '../pods/model.ts'

export interface Rejection {
  readonly reason: string
  readonly message: string
}

export interface AdmissionInput {
  readonly pod: NodePod
  /** The pods that were admitted and are not over. */
  readonly others: readonly NodePod[]
  readonly allocatable: Readonly<Record<string, string>>
  /** Undefined while the API has not told of it: then only room is looked at. */
  readonly node: DeepReadonly<Node> | undefined
  /** What the node is short of: `MemoryPressure`, `DiskPressure`, `PIDPressure`. */
  readonly pressures: readonly string[]
}

const SYSTEM_CRITICAL_PRIORITY = 2_000_000_000

export const isCritical = ({ spec }: NodePod): boolean => (spec.priority ?? 0) >= SYSTEM_CRITICAL_PRIORITY

/** Undefined: the pod may run here. */
export function admit(input: AdmissionInput): Rejection | undefined {
  return underPressure(input) ?? forbiddenSysctl(input.pod) ?? withoutRoom(input) ?? unsuitable(input)
}

const MEMORY_TAINT = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' } as const

/** Under memory pressure alone, pods that promise to use only what they request may still come. */
function underPressure({ pod, pressures }: AdmissionInput): Rejection | undefined {
  if (pressures.length === 0 || isCritical(pod)) return undefined
  if (pressures.length === 1 && pressures[0] === 'MemoryPressure') {
    if (qosClass(pod.spec) !== 'BestEffort') return undefined
    if (pod.spec.tolerations?.some((toleration) => tolerates(toleration, MEMORY_TAINT))) return undefined
  }
  return { reason: 'Evicted', message: `The node had condition: [${pressures.join(' ')}]. ` }
}

/** Settings that belong to a namespace and harm nobody else; a name that ends in `*` would be a prefix. */
const SAFE_SYSCTLS = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
]

function forbiddenSysctl({ spec }: NodePod): Rejection | undefined {
  const reason = 'SysctlForbidden'
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    const plain = name.replaceAll('/', '.')
    if (!SAFE_SYSCTLS.includes(plain))
      return { reason, message: `forbidden sysctl: ${JSON.stringify(name)} not allowlisted` }
    if (spec.hostNetwork && plain.startsWith('net.'))
      return { reason, message: `forbidden sysctl: ${JSON.stringify(name)} not allowed with host net enabled` }
    if (spec.hostIPC && plain.startsWith('kernel.shm'))
      return { reason, message: `forbidden sysctl: ${JSON.stringify(name)} not allowed with host ipc enabled` }
  }
  return undefined
}

function withoutRoom({ pod, others, allocatable }: AdmissionInput): Rejection | undefined {
  const most = quantityValue(allocatable['pods'] ?? '0')
  if (others.length + 1 > most) return outOf('pods', 1, others.length, most)
  const requests = podRequests(pod.spec)
  for (const name of ['cpu', 'memory', 'ephemeral-storage', ...Object.keys(requests)]) {
    // What this node does not know of is a device's affair, not this node's.
    if (requests[name] === undefined || (allocatable[name] === undefined && name.includes('/'))) continue
    const size = name === 'cpu' ? quantityMillis : quantityValue
    const requested = size(requests[name])
    if (requested === 0) continue
    const used = others.reduce((sum, { spec }) => sum + size(podRequests(spec)[name] ?? '0'), 0)
    const capacity = size(allocatable[name] ?? '0')
    if (requested > capacity - used) return outOf(name, requested, used, capacity)
  }
  return undefined
}

function outOf(name: string, requested: number, used: number, capacity: number): Rejection {
  return {
    reason: `OutOf${name}`,
    message: `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
  }
}

function unsuitable({ pod, others, node }: AdmissionInput): Rejection | undefined {
  if (node !== undefined) {
    if (!matchesNodeSelection(pod.spec, node))
      return predicate('NodeAffinity', "node(s) didn't match Pod's node affinity/selector")
    if (pod.spec.nodeName !== undefined && pod.spec.nodeName !== node.metadata.name)
      return predicate('NodeName', "node(s) didn't match the requested node name")
  }
  const taken = others.flatMap(hostPorts)
  if (hostPorts(pod).some((wanted) => taken.some((other) => clash(wanted, other))))
    return predicate('NodePorts', "node(s) didn't have free ports for the requested pod ports")
  if (untoleratedTaint(node?.spec?.taints, pod.spec.tolerations, ['NoExecute']) !== undefined)
    return predicate('TaintToleration', "node(s) had taints that the pod didn't tolerate")
  return undefined
}

const predicate = (reason: string, why: string): Rejection => ({
  reason,
  message: `Predicate ${reason} failed: ${why}`,
})

interface HostPort {
  readonly ip: string
  readonly port: number
  readonly protocol: string
}

const hostPorts = ({ spec }: NodePod): HostPort[] =>
  [
    ...spec.containers,
    ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'),
  ].flatMap(({ ports = [] }) =>
    ports
      .filter(({ hostPort = 0 }) => hostPort > 0)
      .map(({ hostPort = 0, hostIP = '', protocol = 'TCP' }) => ({
        ip: hostIP || '0.0.0.0',
        port: hostPort,
        protocol,
      })),
  )

const clash = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0')
