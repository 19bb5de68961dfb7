// What a machine (or a node's namespace) must have before pods can be networked: tools, forwarding, netfilter on bridges.

import type { CommandResult, RunCommand } from './command.ts'
import { readSetting, writeSetting } from './sysctl.ts'

export interface Problem {
  readonly what: string
  readonly remedy: string
}

export interface NetworkPreflight {
  /** What has to be mended before anything works. */
  readonly problems: readonly Problem[]
  /** What works only in part. */
  readonly warnings: readonly Problem[]
  /**
   * Whether packets between two ports of a bridge can pass netfilter (br_netfilter is in the kernel). We turn it on for our bridge alone.
   * Where it is missing, the proxy masquerades traffic between pods of one node through a service.
   */
  readonly bridgeNetfilter: boolean
}

const TOOLS: readonly { argv: readonly string[]; package: string }[] = [
  { argv: ['nft', '--version'], package: 'nftables' },
  { argv: ['ip', '-Version'], package: 'iproute2' },
  { argv: ['conntrack', '--version'], package: 'conntrack' },
  { argv: ['sysctl', '--version'], package: 'procps' },
]

/** Only looks; changes nothing. */
export async function checkNetwork(run: RunCommand): Promise<NetworkPreflight> {
  const problems: Problem[] = []
  const warnings: Problem[] = []
  const quiet = (argv: readonly string[], input?: string): Promise<CommandResult> =>
    run(argv, input === undefined ? {} : { input }).catch((): CommandResult => ({ code: 127, stdout: '', stderr: '' }))
  const [probe, chains, bridgeSetting, ...tools] = await Promise.all([
    quiet(['nft', '--check', '-f', '-'], PROBE),
    quiet(['nft', '-j', 'list', 'chains']),
    readSetting(run, 'net/bridge/bridge-nf-call-iptables').catch(() => undefined),
    ...TOOLS.map((tool) => quiet(tool.argv)),
  ])
  for (const [i, tool] of TOOLS.entries())
    if (tools[i]?.code !== 0)
      problems.push({
        what: `the program "${tool.argv[0] ?? ''}" is missing`,
        remedy: `apt-get install ${tool.package}`,
      })
  if (problems.length > 0) return { problems, warnings, bridgeNetfilter: false }

  if (probe.code !== 0)
    problems.push({
      what: `nftables cannot translate addresses here: ${probe.stderr.trim().split('\n')[0] ?? ''}`,
      remedy: 'run as root on a kernel with nf_tables, nf_nat and nf_conntrack',
    })
  for (const chain of droppingForwardChains(chains.stdout))
    warnings.push({
      what: `the chain "${chain}" drops forwarded packets by policy, and no other table can overrule that`,
      remedy: `accept the cluster's pod and service networks in "${chain}", or set its policy to accept`,
    })
  const bridgeNetfilter = bridgeSetting !== undefined
  if (!bridgeNetfilter)
    warnings.push({
      what: 'the kernel has no br_netfilter: pods of one node see the node’s address when they talk through a service',
      remedy: 'modprobe br_netfilter',
    })
  return { problems, warnings, bridgeNetfilter }
}

const PROBE = `add table ip drover-probe
add map ip drover-probe m { type ipv4_addr . inet_proto . inet_service : verdict; }
add chain ip drover-probe nat { type nat hook prerouting priority -100; }
add chain ip drover-probe post { type nat hook postrouting priority 100; }
add rule ip drover-probe nat ip daddr . meta l4proto . th dport vmap @m
add rule ip drover-probe nat meta l4proto tcp dnat ip addr . port to numgen random mod 2 map { 0 : 127.0.0.1 . 1, 1 : 127.0.0.1 . 2 }
add rule ip drover-probe post masquerade fully-random
`

/** Base chains at the forward hook whose policy is drop, as `family table chain`. Rules of iptables-legacy are invisible to nft. */
export function droppingForwardChains(listing: string): string[] {
  if (listing.trim() === '') return []
  const parsed: unknown = JSON.parse(listing)
  if (!isRecord(parsed) || !Array.isArray(parsed['nftables'])) return []
  return parsed['nftables'].flatMap((entry: unknown) => {
    const chain = isRecord(entry) ? entry['chain'] : undefined
    if (!isRecord(chain) || chain['hook'] !== 'forward' || chain['policy'] !== 'drop') return []
    return [`${String(chain['family'])} ${String(chain['table'])} ${String(chain['name'])}`]
  })
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** Turns on what routing pods needs and returns what it was before, so that the caller can put it back when its last cluster goes. */
export async function enableForwarding(run: RunCommand): Promise<{ ipForward: string }> {
  const ipForward = (await readSetting(run, 'net/ipv4/ip_forward')) ?? '0'
  if (ipForward !== '1') await writeSetting(run, 'net/ipv4/ip_forward', 1)
  return { ipForward }
}
