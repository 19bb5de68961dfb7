// Removes entries of the kernel's connection table, through `conntrack`.

import type { RunCommand } from './command.ts'
import { CommandError } from './command.ts'
import { isIPv4 } from './nft/ranges.ts'

/** Which entries: every field that is given must be equal. */
export interface ConntrackFilter {
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  /** The destination that the client asked for: a service's address. */
  readonly originalDestination?: string
  readonly originalDestinationPort?: number
  /** Who answers: an endpoint. */
  readonly replySource?: string
}

/** Deletes the entries; none is as good as some. */
export async function flushConntrack(run: RunCommand, filter: ConntrackFilter, signal?: AbortSignal): Promise<void> {
  for (const address of [filter.originalDestination, filter.replySource])
    if (address !== undefined && !isIPv4(address))
      throw new Error(`Cannot flush conntrack: ${JSON.stringify(address)} is not an IPv4 address`)
  const argv = ['conntrack', '-D', '-p', filter.protocol]
  if (filter.originalDestination !== undefined) argv.push('--orig-dst', filter.originalDestination)
  if (filter.originalDestinationPort !== undefined) argv.push('--orig-port-dst', String(filter.originalDestinationPort))
  if (filter.replySource !== undefined) argv.push('--reply-src', filter.replySource)
  const result = await run(argv, { signal })
  if (result.code !== 0 && !/0 flow entries have been deleted/.test(result.stderr)) throw new CommandError(argv, result)
}
