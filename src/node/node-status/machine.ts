// What the machine is: processors, memory, kernel, operating system, ids; read from /proc, /sys and /etc.

import { readFileSync, statfsSync } from 'node:fs'
import { arch, availableParallelism, release, totalmem } from 'node:os'

export interface Machine {
  readonly cpus: number
  readonly memoryBytes: number
  readonly diskBytes: number
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
