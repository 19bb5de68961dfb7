// A cluster's logs and state in one directory, to look into or to send to somebody. Keys and tokens stay out.

import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../netlink/command.ts'
import { containerdPathsOf, logsOf, nodeDataOf, type Places, stateFileOf } from './places.ts'
import type { ClusterState } from './state.ts'

/** What the kernel has of the cluster, each in a file of its own. */
const COMMANDS: readonly (readonly [string, readonly string[]])[] = [
  ['network/addresses.txt', ['ip', 'addr']],
  ['network/routes.txt', ['ip', 'route']],
  ['network/namespaces.txt', ['ip', 'netns', 'list']],
  ['network/nft.txt', ['nft', 'list', 'ruleset']],
  ['host/processes.txt', ['ps', 'axo', 'pid,ppid,rss,time,args']],
  ['host/mounts.txt', ['cat', '/proc/self/mountinfo']],
]

/** Returns the files that could not be had, with the reason. */
export async function exportLogs(places: Places, state: ClusterState, directory: string): Promise<string[]> {
  mkdirSync(directory, { recursive: true })
  const failures: string[] = []
  const copy = (from: string, to: string): void => {
    if (existsSync(from)) cpSync(from, join(directory, to), { recursive: true })
  }
  copy(stateFileOf(places), 'cluster.json')
  copy(logsOf(places), 'processes')
  for (const { name } of state.nodes) {
    const { state: run } = containerdPathsOf(places, name)
    copy(join(run, 'containerd.log'), `nodes/${name}/containerd.log`)
    copy(join(run, 'config.toml'), `nodes/${name}/containerd.toml`)
    copy(join(nodeDataOf(places, name), 'logs'), `nodes/${name}/pods`)
  }
  for (const [file, argv] of COMMANDS) {
    try {
      const { stdout, stderr } = await runCommand(argv)
      const path = join(directory, file)
      mkdirSync(join(path, '..'), { recursive: true })
      writeFileSync(path, stdout + stderr)
    } catch (error) {
      failures.push(`${file}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return failures
}

/** The logs of one sort of process: `server`, `agent`, `containerd`. */
export function logFiles(places: Places, state: ClusterState, part: string | undefined): string[] {
  const present = existsSync(logsOf(places)) ? readdirSync(logsOf(places)).sort() : []
  const own = present
    .filter((file) => file.endsWith('.log') && (part === undefined || file.startsWith(part)))
    .map((file) => join(logsOf(places), file))
  const containerd = state.nodes
    .map(({ name }) => join(containerdPathsOf(places, name).state, 'containerd.log'))
    .filter((file) => existsSync(file))
  return part === 'containerd' ? containerd : own
}
