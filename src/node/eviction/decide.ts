// What the node is short of, and which pods have to go for it. Pure; upstream's signals, order and messages.

import { formatQuantity, quantityValue } from '../../apimachinery/quantity.ts'
import { isQuantity } from '../../apimachinery/scalars.ts'
import { podLimits, podRequests } from '../../api/core/pod/requests.ts'
import { isCritical } from '../admission/admit.ts'
import type { NodePod } from '../pods/model.ts'

const formatBinaryBytes = (bytes: number): string =>
  formatQuantity({ nanos: BigInt(bytes) * 1_000_000_000n, form: 'binary' })

export type Signal =
  | 'memory.available'
  | 'nodefs.available'
  | 'nodefs.inodesFree'
  | 'imagefs.available'
  | 'imagefs.inodesFree'
  | 'pid.available'

export interface Observation {
  readonly available: number
  readonly capacity: number
}
/** What could not be seen is absent. */
export type Observations = Readonly<Partial<Record<Signal, Observation>>>

/** Below it the signal is met: an amount, or a share of the capacity. */
export interface Threshold {
  readonly signal: Signal
  readonly amount?: number
  readonly percent?: number
}

/** The kubelet's `evictionHard`. */
export const THRESHOLDS: readonly Threshold[] = [
  { signal: 'memory.available', amount: 100 * 2 ** 20 },
  { signal: 'nodefs.available', percent: 10 },
  { signal: 'nodefs.inodesFree', percent: 5 },
  { signal: 'imagefs.available', percent: 15 },
  { signal: 'imagefs.inodesFree', percent: 5 },
]

/** Reads the kubelet's form, `memory.available<100Mi,nodefs.available<10%`; undefined when it is not in it. */
export function parseThresholds(text: string): readonly Threshold[] | undefined {
  const thresholds: Threshold[] = []
  for (const part of text.split(',')) {
    const [, signal = '', value = '', percent] = /^([A-Za-z.]+)<([0-9.]+(?:[A-Za-z]{0,2}))(%)?$/.exec(part.trim()) ?? []
    if (!isSignal(signal)) return undefined
    if (percent === undefined) {
      if (!isQuantity(value)) return undefined
      thresholds.push({ signal, amount: quantityValue(value) })
    } else {
      const share = Number(value)
      if (!(share >= 0 && share <= 100)) return undefined
      thresholds.push({ signal, percent: share })
    }
  }
  return thresholds
}

function isSignal(text: string): text is Signal {
  return Object.hasOwn(CONDITIONS, text)
}

const CONDITIONS: Readonly<Record<Signal, string>> = {
  'memory.available': 'MemoryPressure',
  'nodefs.available': 'DiskPressure',
  'nodefs.inodesFree': 'DiskPressure',
  'imagefs.available': 'DiskPressure',
  'imagefs.inodesFree': 'DiskPressure',
  'pid.available': 'PIDPressure',
}
const RESOURCES: Readonly<Record<Signal, Resource>> = {
  'memory.available': 'memory',
  'nodefs.available': 'ephemeral-storage',
  'nodefs.inodesFree': 'inodes',
  'imagefs.available': 'ephemeral-storage',
  'imagefs.inodesFree': 'inodes',
  'pid.available': 'pids',
}
export type Resource = 'memory' | 'ephemeral-storage' | 'inodes' | 'pids'

export interface MetThreshold {
  readonly signal: Signal
  readonly condition: string
  readonly resource: Resource
  readonly quantity: number
  readonly available: number
}

/** Those that are met; memory first, since nothing else helps a node that has none. */
export function thresholdsMet(observations: Observations, thresholds: readonly Threshold[]): MetThreshold[] {
  const met = thresholds.flatMap(({ signal, amount, percent = 0 }): MetThreshold[] => {
    const observation = observations[signal]
    if (observation === undefined) return []
    const { available, capacity } = observation
    const quantity = amount ?? Math.floor((capacity * percent) / 100)
    if (available >= quantity) return []
    return [{ signal, condition: CONDITIONS[signal], resource: RESOURCES[signal], quantity, available }]
  })
  return met.sort((a, b) => Number(b.resource === 'memory') - Number(a.resource === 'memory'))
}

export interface ContainerUsage {
  readonly name: string
  readonly memoryBytes: number
  /** Of its writable layer and its logs. */
  readonly diskBytes: number
}

export interface PodUsage {
  readonly pod: NodePod
  readonly memoryBytes: number
  readonly processes: number
  readonly inodes: number
  readonly containers: readonly ContainerUsage[]
  /** Bytes by the name of each emptyDir. */
  readonly emptyDirs: ReadonlyMap<string, number>
}

const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0)

export const diskOf = ({ containers, emptyDirs, pod }: PodUsage): number => {
  // What is in memory takes no disk.
  const onDisk = [...emptyDirs].filter(
    ([name]) => pod.spec.volumes?.find((volume) => volume.name === name)?.emptyDir?.medium !== 'Memory',
  )
  return sum(containers.map(({ diskBytes }) => diskBytes)) + sum(onDisk.map(([, bytes]) => bytes))
}

function usageOf(usage: PodUsage, resource: Resource): number {
  switch (resource) {
    case 'memory':
      return usage.memoryBytes
    case 'ephemeral-storage':
      return diskOf(usage)
    case 'inodes':
      return usage.inodes
    case 'pids':
      return usage.processes
  }
}

function requestOf({ pod }: PodUsage, resource: Resource): number {
  if (resource !== 'memory' && resource !== 'ephemeral-storage') return 0
  return quantityValue(podRequests(pod.spec)[resource] ?? '0')
}

/** First to go first: who uses more than was requested, then the lower priority, then the larger use beyond the request. */
export function rankPods(usages: readonly PodUsage[], resource: Resource): PodUsage[] {
  const exceeds = (usage: PodUsage): number => Number(usageOf(usage, resource) > requestOf(usage, resource))
  const beyond = (usage: PodUsage): number => usageOf(usage, resource) - requestOf(usage, resource)
  const priority = ({ pod }: PodUsage): number => pod.spec.priority ?? 0
  const byRequest = resource === 'memory' || resource === 'ephemeral-storage'
  return usages
    .filter(({ pod }) => !isCritical(pod))
    .sort((a, b) => (byRequest ? exceeds(b) - exceeds(a) : 0) || priority(a) - priority(b) || beyond(b) - beyond(a))
}

export function evictionMessage(usage: PodUsage, { resource, quantity, available }: MetThreshold): string {
  const parts = [
    `The node was low on resource: ${resource}. `,
    `Threshold quantity: ${amountText(quantity, resource)}, available: ${amountText(available, resource)}. `,
  ]
  for (const { name, memoryBytes, diskBytes } of usage.containers) {
    if (resource !== 'memory' && resource !== 'ephemeral-storage') continue
    const used = resource === 'memory' ? memoryBytes : diskBytes
    const all = [...usage.pod.spec.containers, ...(usage.pod.spec.initContainers ?? [])]
    const request = all.find((container) => container.name === name)?.resources?.requests?.[resource] ?? '0'
    if (used > quantityValue(request))
      parts.push(
        `Container ${name} was using ${formatBinaryBytes(used)}, request is ${request}, has larger consumption of ${resource}. `,
      )
  }
  return parts.join('')
}

const amountText = (amount: number, resource: Resource): string =>
  resource === 'memory' || resource === 'ephemeral-storage' ? formatBinaryBytes(amount) : String(amount)

/** Why a pod has to go for what it itself takes of the disk; undefined: it may stay. */
export function exceededLimit(usage: PodUsage): string | undefined {
  const { pod, emptyDirs, containers } = usage
  for (const { name, emptyDir } of pod.spec.volumes ?? []) {
    const limit = emptyDir?.sizeLimit
    if (limit === undefined || quantityValue(limit) <= 0) continue
    if ((emptyDirs.get(name) ?? 0) > quantityValue(limit))
      return `Usage of EmptyDir volume ${JSON.stringify(name)} exceeds the limit ${JSON.stringify(limit)}. `
  }
  const total = podLimits(pod.spec)['ephemeral-storage']
  if (total !== undefined && diskOf(usage) > quantityValue(total))
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${total}. `
  for (const { name, diskBytes } of containers) {
    const limit = pod.spec.containers.find((c) => c.name === name)?.resources?.limits?.['ephemeral-storage']
    if (limit !== undefined && diskBytes > quantityValue(limit))
      return `Container ${name} exceeded its local ephemeral storage limit ${JSON.stringify(limit)}. `
  }
  return undefined
}

/** Whether its use of the disk has to be measured at every look: that costs a walk through its files. */
export const hasDiskLimit = ({ spec }: NodePod): boolean =>
  (spec.volumes?.some(({ emptyDir }) => emptyDir?.sizeLimit !== undefined) ?? false) ||
  podLimits(spec)['ephemeral-storage'] !== undefined
