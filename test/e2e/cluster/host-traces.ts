// What a cluster could leave on the machine, as sorted lines, to be compared before and after.

import { execFileSync } from 'node:child_process'
import { globSync, readFileSync, readdirSync } from 'node:fs'

export interface Traces {
  readonly mounts: readonly string[]
  readonly links: readonly string[]
  readonly tables: readonly string[]
  readonly namespaces: readonly string[]
  readonly cgroups: readonly string[]
  readonly processes: readonly string[]
}

/** Whether the machine (or a network namespace) passes packets on: not of one cluster, so it is no part of the traces of one. */
export function forwarding(namespace: string): string {
  const argv = [`--net=/run/netns/${namespace}`, 'sysctl', '-n', 'net.ipv4.ip_forward']
  return execFileSync('nsenter', argv, { encoding: 'utf8' }).trim()
}

/** Others use the machine, too: only what bears the mark of this test's clusters counts. */
export function traces({ marks }: { marks: readonly string[] }): Traces {
  const ours = (line: string): boolean => marks.some((mark) => line.includes(mark))
  const only = (lines: readonly string[]): string[] => lines.filter(ours).sort()
  const run = (program: string, ...args: string[]): string[] =>
    execFileSync(program, args, { encoding: 'utf8' }).split('\n').filter(Boolean)
  return {
    mounts: only(readFileSync('/proc/self/mountinfo', 'utf8').split('\n')),
    links: only(run('ip', '-o', 'link', 'show')),
    tables: only(run('nft', 'list', 'tables')),
    namespaces: only(run('ip', 'netns', 'list')),
    cgroups: only([...globSync('/sys/fs/cgroup/*'), ...globSync('/sys/fs/cgroup/*/*')]),
    processes: only(commandLines()),
  }
}

export const NOTHING: Traces = { mounts: [], links: [], tables: [], namespaces: [], cgroups: [], processes: [] }

function commandLines(): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return []
    try {
      return [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`]
    } catch {
      return []
    }
  })
}
