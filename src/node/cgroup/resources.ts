// From requests and limits to the numbers the kernel takes: pure, as upstream's kubelet computes them.

import type { LinuxContainerResources } from '../cri/cri.ts'

export const MIN_SHARES = 2
export const MAX_SHARES = 262_144
const SHARES_PER_CPU = 1024
/** The default CFS period, in microseconds. */
export const CPU_PERIOD_US = 100_000
/** The kernel takes no smaller quota, in microseconds. */
const MIN_QUOTA_US = 1000

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

/** What one container asks for and may use at most; a name that is absent was not declared. */
export interface ContainerResources {
  readonly cpuRequestMilli?: number | undefined
  readonly cpuLimitMilli?: number | undefined
  readonly memoryRequestBytes?: number | undefined
  readonly memoryLimitBytes?: number | undefined
  /** Limits of huge pages in bytes, by the kernel's name of their size: `2MB`. */
  readonly hugepageLimits?: Readonly<Record<string, number>>
}

/** What a cgroup is set to; what is absent is left as it is. -1 = no limit. */
export interface CgroupSettings {
  readonly cpuShares?: number | undefined
  readonly cpuQuotaUs?: number | undefined
  readonly cpuPeriodUs?: number | undefined
  readonly memoryLimitBytes?: number | undefined
  readonly pidsLimit?: number | undefined
  /** In bytes, by the kernel's name of the page's size. */
  readonly hugepageLimits?: Readonly<Record<string, number>>
}

export function milliCpuToShares(milli: number): number {
  return Math.min(Math.max(Math.floor((milli * SHARES_PER_CPU) / 1000), MIN_SHARES), MAX_SHARES)
}

/** The quota in microseconds per period; 0 = none was declared. */
export function milliCpuToQuota(milli: number, periodUs = CPU_PERIOD_US): number {
  if (milli <= 0) return 0
  return Math.max(Math.floor((milli * periodUs) / 1000), MIN_QUOTA_US)
}

/** `2Mi`, as resources are named, is `2MB` to the kernel. */
export function kernelPageSize(size: string): string {
  return size.replace(/i$/, 'B')
}

/** cgroup v2's weight for v1 shares: a curve through (2, 1), (1024, 100) and (262144, 10000), so that the default stays the default. */
export function sharesToWeight(shares: number): number {
  if (shares <= MIN_SHARES) return 1
  if (shares >= MAX_SHARES) return 10_000
  const log = Math.log2(shares)
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34))
}

/** The settings of a pod's cgroup. A limit holds for the pod only when every container has one. Containers are the pod's effective ones. */
export function podSettings(
  qos: QosClass,
  total: ContainerResources,
  every: { cpuLimit: boolean; memoryLimit: boolean },
): CgroupSettings {
  if (qos === 'BestEffort') return { cpuShares: MIN_SHARES }
  const quota = milliCpuToQuota(total.cpuLimitMilli ?? 0)
  return {
    ...(total.hugepageLimits === undefined ? {} : { hugepageLimits: total.hugepageLimits }),
    cpuShares: milliCpuToShares(total.cpuRequestMilli ?? 0),
    ...(every.cpuLimit && quota > 0 ? { cpuQuotaUs: quota, cpuPeriodUs: CPU_PERIOD_US } : {}),
    ...(every.memoryLimit && (total.memoryLimitBytes ?? 0) > 0 ? { memoryLimitBytes: total.memoryLimitBytes } : {}),
  }
}

/** What CRI is told about one container. */
export function containerResources(
  resources: ContainerResources,
  options: { qos: QosClass; nodeMemoryBytes: number; critical?: boolean },
): LinuxContainerResources {
  // A limit without a request is also the request; an explicit request of 0 is not "without".
  const requestMilli = resources.cpuRequestMilli ?? resources.cpuLimitMilli ?? 0
  const quota = milliCpuToQuota(resources.cpuLimitMilli ?? 0)
  const pages = Object.entries(resources.hugepageLimits ?? {})
  return {
    cpuShares: milliCpuToShares(requestMilli),
    cpuPeriod: CPU_PERIOD_US,
    ...(quota > 0 ? { cpuQuota: quota } : {}),
    memoryLimitInBytes: resources.memoryLimitBytes ?? 0,
    ...(pages.length === 0 ? {} : { hugepageLimits: pages.map(([pageSize, limit]) => ({ pageSize, limit })) }),
    oomScoreAdj: oomScoreAdjust(resources, options),
  }
}

/** How readily the kernel kills a container when the node's memory runs out: 1000 first, -997 nearly never. */
export function oomScoreAdjust(
  resources: ContainerResources,
  { qos, nodeMemoryBytes, critical = false }: { qos: QosClass; nodeMemoryBytes: number; critical?: boolean },
): number {
  if (critical || qos === 'Guaranteed') return -997
  if (qos === 'BestEffort') return 1000
  const share = 1000 - Math.floor((1000 * (resources.memoryRequestBytes ?? 0)) / nodeMemoryBytes)
  // Below 3 would rank with guaranteed pods; 1000 is for best-effort ones.
  if (share < 3) return 3
  return share === 1000 ? 999 : share
}
