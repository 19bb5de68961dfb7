// Writes settings into cgroup files, and switches version 2's controllers on along a path.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Hierarchy } from './hierarchy.ts'
import { CPU_PERIOD_US, type CgroupSettings, sharesToWeight } from './resources.ts'

const CONTROLLERS = ['cpu', 'cpuset', 'io', 'memory', 'pids', 'hugetlb'] as const

/** A file below the cgroup, the controller it belongs to, and what to write. */
export interface CgroupWrite {
  readonly controller: string
  readonly file: string
  readonly value: string
}

/** What to write for these settings, in an order the kernel accepts. Pure. */
export function settingsWrites(version: 1 | 2, settings: CgroupSettings): CgroupWrite[] {
  const { cpuShares, cpuQuotaUs, cpuPeriodUs, memoryLimitBytes, pidsLimit, hugepageLimits = {} } = settings
  const writes: CgroupWrite[] = []
  const add = (controller: string, file: string, value: number | string): void => {
    writes.push({ controller, file, value: String(value) })
  }
  if (version === 1) {
    if (cpuShares !== undefined) add('cpu', 'cpu.shares', cpuShares)
    if (cpuPeriodUs !== undefined) add('cpu', 'cpu.cfs_period_us', cpuPeriodUs)
    if (cpuQuotaUs !== undefined) add('cpu', 'cpu.cfs_quota_us', cpuQuotaUs)
    if (memoryLimitBytes !== undefined) add('memory', 'memory.limit_in_bytes', memoryLimitBytes)
    if (pidsLimit !== undefined) add('pids', 'pids.max', unlimited(pidsLimit))
    for (const [size, bytes] of Object.entries(hugepageLimits)) add('hugetlb', `hugetlb.${size}.limit_in_bytes`, bytes)
    return writes
  }
  if (cpuShares !== undefined) add('cpu', 'cpu.weight', sharesToWeight(cpuShares))
  if (cpuQuotaUs !== undefined) add('cpu', 'cpu.max', `${unlimited(cpuQuotaUs)} ${cpuPeriodUs ?? CPU_PERIOD_US}`)
  if (memoryLimitBytes !== undefined) add('memory', 'memory.max', unlimited(memoryLimitBytes))
  if (pidsLimit !== undefined) add('pids', 'pids.max', unlimited(pidsLimit))
  for (const [size, bytes] of Object.entries(hugepageLimits)) add('hugetlb', `hugetlb.${size}.max`, bytes)
  return writes
}

export function writeSettings(hierarchy: Hierarchy, path: string, settings: CgroupSettings): void {
  for (const { controller, file, value } of settingsWrites(hierarchy.version, settings)) {
    const tree = hierarchy.mounts.get(hierarchy.version === 2 ? '' : controller)
    // A controller that this kernel lacks (often pids) cannot limit; containers run without that limit, as upstream's do.
    if (tree === undefined) continue
    const target = join(tree, path, file)
    try {
      writeFileSync(target, value)
    } catch (cause) {
      throw new Error(`Cannot set "${target}" to "${value}"`, { cause })
    }
  }
}

/** Makes every level above `path` hand its controllers down. */
export function enableControllers(tree: string, path: string): void {
  const available = wordsOf(join(tree, 'cgroup.controllers'))
  let directory = tree
  for (const name of path.split('/').filter(Boolean)) {
    mkdirSync(directory, { recursive: true })
    const control = join(directory, 'cgroup.subtree_control')
    const enabled = wordsOf(control)
    const missing = CONTROLLERS.filter((controller) => available.includes(controller) && !enabled.includes(controller))
    if (missing.length > 0) enable(control, missing)
    directory = join(directory, name)
  }
}

function enable(control: string, controllers: readonly string[]): void {
  try {
    writeFileSync(control, controllers.map((name) => `+${name}`).join(' '))
  } catch (cause) {
    const names = controllers.join(', ')
    throw new Error(
      `Cannot enable cgroup controllers ${names} in "${control}": a group with processes of its own cannot hand them down`,
      { cause },
    )
  }
}

function wordsOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ') : []
}

function unlimited(value: number): string {
  return value < 0 ? 'max' : String(value)
}
