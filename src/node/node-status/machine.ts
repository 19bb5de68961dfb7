// What the machine is: processors, memory, kernel, operating system, ids; read from /proc, /sys and /etc.

import { existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs'
import { arch, availableParallelism, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { canonicalQuantity } from '../../apimachinery/quantity.ts'

export interface Machine {
  readonly cpus: number
  readonly memoryBytes: number
  readonly diskBytes: number
  /** Bytes set aside, by the size of a page: `2Mi`. Absent: the kernel has none. */
  readonly hugepages?: Readonly<Record<string, number>>
  readonly kernelVersion: string
  readonly osImage: string
  readonly architecture: string
  readonly machineID: string
  readonly systemUUID: string
  readonly bootID: string
}

/** Node's names of processors, and Go's. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  arm: 'arm',
  ppc64: 'ppc64le',
  s390x: 's390x',
  riscv64: 'riscv64',
}

export function readMachine(dataDir: string): Machine {
  const osRelease = readText('/etc/os-release')
  const { blocks, bsize } = statfsSync(dataDir)
  return {
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    diskBytes: blocks * bsize,
    hugepages: readHugepages('/sys/kernel/mm/hugepages'),
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?(.*?)"?$/m.exec(osRelease)?.[1] ?? 'Linux',
    architecture: ARCHITECTURES[arch()] ?? arch(),
    machineID: readText('/etc/machine-id'),
    systemUUID: readText('/sys/class/dmi/id/product_uuid') || readText('/etc/machine-id'),
    bootID: readText('/proc/sys/kernel/random/boot_id'),
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}

/** Each size is a directory: `hugepages-2048kB`. */
export function readHugepages(directory: string): Record<string, number> {
  const found: Record<string, number> = {}
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    const kibi = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? 0)
    if (kibi === 0) continue
    const count = Number(readText(join(directory, name, 'nr_hugepages')) || 0)
    found[canonicalQuantity(`${kibi}Ki`)] = count * kibi * 1024
  }
  return found
}
