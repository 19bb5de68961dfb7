// Looks whether this machine can run a cluster: root, programs, CNI plugins. Each thing that is missing comes with its remedy.

import { accessSync, constants, existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../base/node/user-error.ts'

export interface Finding {
  readonly what: string
  readonly ok: boolean
  readonly remedy?: string
}

/** Programs that nodes need, and the Debian package each is in. */
const PROGRAMS: readonly (readonly [string, string])[] = [
  ['containerd', 'containerd'],
  ['containerd-shim-runc-v2', 'containerd'],
  ['runc', 'runc'],
  ['nft', 'nftables'],
  ['ip', 'iproute2'],
  ['conntrack', 'conntrack'],
  ['nsenter', 'util-linux'],
  ['mount', 'mount'],
  ['sysctl', 'procps'],
]
/** Where Debian and the plugins' own releases put them. */
const CNI_DIRECTORIES = ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni']
const CNI_PLUGINS = ['bridge', 'host-local', 'loopback']

export function findProgram(name: string, path: string): string | undefined {
  return path
    .split(':')
    .map((directory) => join(directory, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

export function cniDirectory(): string | undefined {
  return CNI_DIRECTORIES.find((directory) => CNI_PLUGINS.every((plugin) => existsSync(join(directory, plugin))))
}

export function inspectMachine({ path, uid }: { path: string; uid: number }): Finding[] {
  const cni = cniDirectory()
  const cgroups = existsSync('/sys/fs/cgroup/cgroup.controllers') || existsSync('/sys/fs/cgroup/memory')
  return [
    { what: 'runs as root', ok: uid === 0, remedy: 'run it as root: sudo drover …' },
    ...PROGRAMS.map(([name, from]) => {
      const file = findProgram(name, path)
      return { what: `program ${name}`, ok: file !== undefined, remedy: `apt-get install ${from}` }
    }),
    {
      what: 'CNI plugins bridge, host-local, loopback',
      ok: cni !== undefined,
      remedy: 'apt-get install containernetworking-plugins',
    },
    { what: 'control groups', ok: cgroups, remedy: 'mount them: mount -t cgroup2 none /sys/fs/cgroup' },
    {
      what: 'network namespaces',
      ok: existsSync('/proc/self/ns/net'),
      remedy: 'use a kernel with CONFIG_NET_NS',
    },
  ]
}

/** Throws the first thing that keeps nodes from running here. */
export function requireMachine(machine: { path: string; uid: number }): void {
  requireRoot(machine.uid)
  const missing = inspectMachine(machine).filter(({ ok }) => !ok)
  const [first] = missing
  if (first === undefined) return
  const packages = missing.flatMap(({ remedy }) => remedy?.match(/^apt-get install (\S+)$/)?.[1] ?? [])
  const remedy = packages.length > 0 ? `apt-get install ${[...new Set(packages)].join(' ')}` : first.remedy
  throw new UserError(`This machine lacks: ${missing.map(({ what }) => what).join(', ')}`, {
    ...(remedy === undefined ? {} : { remedy }),
  })
}

export function requireRoot(uid: number): void {
  if (uid !== 0) throw new UserError('This needs root', { remedy: 'run it as root: sudo drover …' })
}
