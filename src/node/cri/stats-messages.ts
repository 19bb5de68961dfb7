// Messages about what containers, pods and file systems use. Facts of CRI runtime/v1.

import {
  type DecodedOf,
  type EncodableOf,
  field,
  map,
  message,
  repeated,
  string,
} from '../../base/protobuf/protobuf.ts'
import { containerMetadata, podSandboxMetadata } from './common-messages.ts'
import { timestamp, uint64Value } from './values.ts'

export const cpuUsage = message({
  timestamp: field(1, timestamp),
  usageCoreNanoSeconds: field(2, uint64Value),
  usageNanoCores: field(3, uint64Value),
})
export interface CpuUsage extends DecodedOf<typeof cpuUsage> {}

export const memoryUsage = message({
  timestamp: field(1, timestamp),
  workingSetBytes: field(2, uint64Value),
  availableBytes: field(3, uint64Value),
  usageBytes: field(4, uint64Value),
  rssBytes: field(5, uint64Value),
  pageFaults: field(6, uint64Value),
  majorPageFaults: field(7, uint64Value),
})
export interface MemoryUsage extends DecodedOf<typeof memoryUsage> {}

export const swapUsage = message({
  timestamp: field(1, timestamp),
  swapAvailableBytes: field(2, uint64Value),
  swapUsageBytes: field(3, uint64Value),
})
export interface SwapUsage extends DecodedOf<typeof swapUsage> {}

export const filesystemIdentifier = message({
  mountpoint: field(1, string),
})
export interface FilesystemIdentifier extends DecodedOf<typeof filesystemIdentifier> {}

export const filesystemUsage = message({
  timestamp: field(1, timestamp),
  fsId: field(2, filesystemIdentifier),
  usedBytes: field(3, uint64Value),
  inodesUsed: field(4, uint64Value),
})
export interface FilesystemUsage extends DecodedOf<typeof filesystemUsage> {}

export const containerAttributes = message({
  id: field(1, string),
  metadata: field(2, containerMetadata),
  labels: map(3, string, string),
  annotations: map(4, string, string),
})
export interface ContainerAttributes extends DecodedOf<typeof containerAttributes> {}

export const containerStats = message({
  attributes: field(1, containerAttributes),
  cpu: field(2, cpuUsage),
  memory: field(3, memoryUsage),
  writableLayer: field(4, filesystemUsage),
  swap: field(5, swapUsage),
})
export interface ContainerStats extends DecodedOf<typeof containerStats> {}

export const containerStatsFilter = message({
  id: field(1, string),
  podSandboxId: field(2, string),
  labelSelector: map(3, string, string),
})
export interface ContainerStatsFilter extends EncodableOf<typeof containerStatsFilter> {}

export const networkInterfaceUsage = message({
  name: field(1, string),
  rxBytes: field(2, uint64Value),
  rxErrors: field(3, uint64Value),
  txBytes: field(4, uint64Value),
  txErrors: field(5, uint64Value),
})
export interface NetworkInterfaceUsage extends DecodedOf<typeof networkInterfaceUsage> {}

export const networkUsage = message({
  timestamp: field(1, timestamp),
  defaultInterface: field(2, networkInterfaceUsage),
  interfaces: repeated(3, networkInterfaceUsage),
})
export interface NetworkUsage extends DecodedOf<typeof networkUsage> {}

export const processUsage = message({
  timestamp: field(1, timestamp),
  processCount: field(2, uint64Value),
})
export interface ProcessUsage extends DecodedOf<typeof processUsage> {}

export const podSandboxAttributes = message({
  id: field(1, string),
  metadata: field(2, podSandboxMetadata),
  labels: map(3, string, string),
  annotations: map(4, string, string),
})
export interface PodSandboxAttributes extends DecodedOf<typeof podSandboxAttributes> {}

export const linuxPodSandboxStats = message({
  cpu: field(1, cpuUsage),
  memory: field(2, memoryUsage),
  network: field(3, networkUsage),
  process: field(4, processUsage),
  containers: repeated(5, containerStats),
})
export interface LinuxPodSandboxStats extends DecodedOf<typeof linuxPodSandboxStats> {}

export const podSandboxStats = message({
  attributes: field(1, podSandboxAttributes),
  linux: field(2, linuxPodSandboxStats),
})
export interface PodSandboxStats extends DecodedOf<typeof podSandboxStats> {}

export const podSandboxStatsFilter = message({
  id: field(1, string),
  labelSelector: map(2, string, string),
})
export interface PodSandboxStatsFilter extends EncodableOf<typeof podSandboxStatsFilter> {}
