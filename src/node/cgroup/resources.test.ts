// Tables of the conversions: the figures are the kubelet's.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  containerResources,
  kernelPageSize,
  milliCpuToQuota,
  milliCpuToShares,
  oomScoreAdjust,
  podSettings,
  type QosClass,
  sharesToWeight,
} from './resources.ts'
import { settingsWrites } from './settings.ts'

test('milliCpuToShares stays between the kernel limits', () => {
  const table = [
    [0, 2],
    [1, 2],
    [2, 2],
    [100, 102],
    [250, 256],
    [1000, 1024],
    [1500, 1536],
    [10_000_000, 262_144],
  ] as const
  for (const [milli, shares] of table) assert.equal(milliCpuToShares(milli), shares, `${milli}m`)
})

test('milliCpuToQuota is at least a millisecond, and 0 without a limit', () => {
  const table = [
    [0, 0],
    [1, 1000],
    [10, 1000],
    [11, 1100],
    [500, 50_000],
    [2000, 200_000],
  ] as const
  for (const [milli, quota] of table) assert.equal(milliCpuToQuota(milli), quota, `${milli}m`)
})

test('sharesToWeight keeps the extremes and the default', () => {
  const table = [
    [0, 1],
    [2, 1],
    [102, 17],
    [1024, 100],
    [2048, 174],
    [262_144, 10_000],
    [999_999, 10_000],
  ] as const
  for (const [shares, weight] of table) assert.equal(sharesToWeight(shares), weight, `${shares} shares`)
})

test('oomScoreAdjust ranks by QoS class and by the share of memory requested', () => {
  const nodeMemoryBytes = 8_000_000_000
  const table: [QosClass, number, number][] = [
    ['Guaranteed', 1_000_000_000, -997],
    ['BestEffort', 0, 1000],
    ['Burstable', 0, 999],
    ['Burstable', 4_000_000_000, 500],
    ['Burstable', 8_000_000_000, 3],
    ['Burstable', 1, 999],
  ]
  for (const [qos, memoryRequestBytes, score] of table)
    assert.equal(
      oomScoreAdjust({ memoryRequestBytes }, { qos, nodeMemoryBytes }),
      score,
      `${qos} ${memoryRequestBytes}`,
    )
  assert.equal(oomScoreAdjust({}, { qos: 'BestEffort', nodeMemoryBytes, critical: true }), -997)
})

test('containerResources takes a CPU limit as the request when there is no request', () => {
  const options = { qos: 'Burstable', nodeMemoryBytes: 8_000_000_000 } as const
  assert.deepEqual(containerResources({ cpuLimitMilli: 500, memoryLimitBytes: 64_000_000 }, options), {
    cpuShares: 512,
    cpuPeriod: 100_000,
    cpuQuota: 50_000,
    memoryLimitInBytes: 64_000_000,
    oomScoreAdj: 999,
  })
  assert.equal(containerResources({ cpuRequestMilli: 0, cpuLimitMilli: 500 }, options).cpuShares, 2)
})

test('podSettings limits a pod only when every container is limited', () => {
  const total = { cpuRequestMilli: 250, cpuLimitMilli: 500, memoryLimitBytes: 1000 }
  assert.deepEqual(podSettings('Burstable', total, { cpuLimit: true, memoryLimit: true }), {
    cpuShares: 256,
    cpuQuotaUs: 50_000,
    cpuPeriodUs: 100_000,
    memoryLimitBytes: 1000,
  })
  assert.deepEqual(podSettings('Burstable', total, { cpuLimit: false, memoryLimit: false }), { cpuShares: 256 })
  assert.deepEqual(podSettings('BestEffort', {}, { cpuLimit: true, memoryLimit: true }), { cpuShares: 2 })
})

test('settingsWrites speaks both versions', () => {
  const settings = { cpuShares: 1024, cpuQuotaUs: 50_000, cpuPeriodUs: 100_000, memoryLimitBytes: 4096, pidsLimit: -1 }
  const text = (version: 1 | 2) =>
    settingsWrites(version, settings).map(({ controller, file, value }) => `${controller}: ${file}=${value}`)
  assert.deepEqual(text(1), [
    'cpu: cpu.shares=1024',
    'cpu: cpu.cfs_period_us=100000',
    'cpu: cpu.cfs_quota_us=50000',
    'memory: memory.limit_in_bytes=4096',
    'pids: pids.max=max',
  ])
  assert.deepEqual(text(2), [
    'cpu: cpu.weight=100',
    'cpu: cpu.max=50000 100000',
    'memory: memory.max=4096',
    'pids: pids.max=max',
  ])
})

test("huge pages are limited in pod and container by the kernel's name of their size", () => {
  const total = { hugepageLimits: { [kernelPageSize('2Mi')]: 4_194_304, [kernelPageSize('1Gi')]: 0 } }
  const settings = podSettings('Burstable', total, { cpuLimit: false, memoryLimit: false })
  const written = (version: 1 | 2) =>
    settingsWrites(version, settings)
      .filter(({ controller }) => controller === 'hugetlb')
      .map(({ file, value }) => [file, value])
  assert.deepEqual(written(1), [
    ['hugetlb.2MB.limit_in_bytes', '4194304'],
    ['hugetlb.1GB.limit_in_bytes', '0'],
  ])
  assert.deepEqual(written(2), [
    ['hugetlb.2MB.max', '4194304'],
    ['hugetlb.1GB.max', '0'],
  ])
  const { hugepageLimits } = containerResources(total, { qos: 'Burstable', nodeMemoryBytes: 1 })
  assert.deepEqual(hugepageLimits, [
    { pageSize: '2MB', limit: 4_194_304 },
    { pageSize: '1GB', limit: 0 },
  ])
})
