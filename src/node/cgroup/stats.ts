// What the processes of a cgroup use, read from its files.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Hierarchy } from './hierarchy.ts'

export interface CgroupStats {
  /** CPU time since the cgroup was made, in nanoseconds. */
  readonly cpuNanoseconds: number
  readonly memoryUsageBytes: number
  /** Usage without the page cache that could be dropped at once: what eviction and `kubectl top` look at. */
  readonly memoryWorkingSetBytes: number
  readonly memoryRssBytes: number
  readonly pageFaults: number
  readonly majorPageFaults: number
}

/** Undefined when the cgroup is not there. */
export function readStats(hierarchy: Hierarchy, path: string): CgroupStats | undefined {
  const read = (controller: string, file: string): string => {
    const tree = hierarchy.mounts.get(hierarchy.version === 2 ? '' : controller)
    return tree === undefined ? '' : readFileSync(join(tree, path, file), 'utf8')
  }
  try {
    return hierarchy.version === 2
      ? statsV2(read('cpu', 'cpu.stat'), read('memory', 'memory.current'), read('memory', 'memory.stat'))
      : statsV1(
          read('cpuacct', 'cpuacct.usage'),
          read('memory', 'memory.usage_in_bytes'),
          read('memory', 'memory.stat'),
        )
  } catch (error) {
    // ENODEV: the cgroup was removed between opening and reading.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENODEV'))
      return undefined
    throw error
  }
}

export function statsV1(cpuUsage: string, memoryUsage: string, memoryStat: string): CgroupStats {
  const stat = parseFlat(memoryStat)
  const usage = Number(memoryUsage)
  return {
    cpuNanoseconds: Number(cpuUsage),
    memoryUsageBytes: usage,
    memoryWorkingSetBytes: Math.max(0, usage - (stat.get('total_inactive_file') ?? 0)),
    memoryRssBytes: stat.get('total_rss') ?? 0,
    pageFaults: stat.get('total_pgfault') ?? 0,
    majorPageFaults: stat.get('total_pgmajfault') ?? 0,
  }
}

export function statsV2(cpuStat: string, memoryCurrent: string, memoryStat: string): CgroupStats {
  const stat = parseFlat(memoryStat)
  const usage = Number(memoryCurrent)
  return {
    cpuNanoseconds: (parseFlat(cpuStat).get('usage_usec') ?? 0) * 1000,
    memoryUsageBytes: usage,
    memoryWorkingSetBytes: Math.max(0, usage - (stat.get('inactive_file') ?? 0)),
    memoryRssBytes: stat.get('anon') ?? 0,
    pageFaults: stat.get('pgfault') ?? 0,
    majorPageFaults: stat.get('pgmajfault') ?? 0,
  }
}

/** Lines of `name number`. */
function parseFlat(text: string): Map<string, number> {
  const values = new Map<string, number>()
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ')
    if (space > 0) values.set(line.slice(0, space), Number(line.slice(space + 1)))
  }
  return values
}
