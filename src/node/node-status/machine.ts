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

export interface Pressure {
  readonly memory: boolean
  readonly disk: boolean
  readonly pids: boolean
}

/** Upstream's hard thresholds: 100 MiB of memory, a tenth of the disk. */
const LEAST_MEMORY_BYTES = 100 * 1024 * 1024
const LEAST_DISK_SHARE = 0.1
const LEAST_PID_SHARE = 0.05

export function readPressure(dataDir: string): Pressure {
  const available = Number(/^MemAvailable:\s+(\d+) kB$/m.exec(readText('/proc/meminfo'))?.[1] ?? Number.NaN) * 1024
  const { blocks, bavail } = statfsSync(dataDir)
  const most = Number(readText('/proc/sys/kernel/pid_max'))
  const used = Number(/\d+\/(\d+)/.exec(readText('/proc/loadavg'))?.[1] ?? 0)
  return {
    memory: available < LEAST_MEMORY_BYTES,
    disk: bavail / blocks < LEAST_DISK_SHARE,
    pids: most > 0 && 1 - used / most < LEAST_PID_SHARE,
  }
}
