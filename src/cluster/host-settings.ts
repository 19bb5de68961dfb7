// Kernel settings that clusters change on the machine: written down before the first does, put back when the last is gone.

import { readFileSync, readlinkSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeParent, readJSONIfExists, writeFileAtomic } from '../base/node/files.ts'
import { withLockFile } from '../base/node/lock-file.ts'
import { hasCode } from '../base/node/user-error.ts'
import { runCommand } from '../netlink/command.ts'
import { listLinks } from '../netlink/links.ts'
import type { Host } from './host.ts'

const directoryOf = ({ roots }: Machine): string => roots.host ?? '/run/drover-host'

type Machine = Pick<Host, 'clock' | 'signal' | 'roots'>

/** Packets pass from pods to the outside only with it. It is the network namespace's, not an interface's, so it outlives every one of ours. */
const FORWARDING = '/proc/sys/net/ipv4/ip_forward'
/** Bridges of any cluster, whatever directories it was given. */
const BRIDGE = /^dr[bn]-/

/** Runs `work`, which makes the first bridge of a cluster, after the settings have been written down. */
export async function withSettingsKept<T>(host: Machine, work: () => Promise<T>): Promise<T> {
  return locked(host, async (record) => {
    if (readRecord(record) === undefined) {
      writeFileAtomic(record, `${JSON.stringify({ ipForward: readFileSync(FORWARDING, 'utf8').trim() })}\n`)
    }
    return work()
  })
}

/** Puts the settings back unless a cluster is left that needs them. */
export async function restoreSettings(host: Machine): Promise<void> {
  await locked(host, async (record) => {
    const before = readRecord(record)
    if (before === undefined) return
    if ((await listLinks(runCommand)).some(({ name }) => BRIDGE.test(name))) return
    writeFileSync(FORWARDING, before)
    rmSync(record, { force: true })
  })
  try {
    rmdirSync(directoryOf(host))
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY', 'ENOENT')) throw error
  }
}

/** One record for each network namespace: a cluster can be brought up inside one. */
async function locked<T>(host: Machine, work: (record: string) => Promise<T>): Promise<T> {
  const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/net'))?.[0] ?? '0'
  const record = join(directoryOf(host), `${namespace}.json`)
  makeParent(record)
  return withLockFile(join(directoryOf(host), 'lock'), host, () => work(record))
}

function readRecord(path: string): string | undefined {
  const value = readJSONIfExists(path)
  const before = typeof value === 'object' && value !== null && 'ipForward' in value ? value.ipForward : undefined
  return before === '0' || before === '1' ? before : undefined
}
