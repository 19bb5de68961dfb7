// Keeps a node's pod network as the Node objects say: bridge, CNI configuration, masquerade, routes to the other nodes' pods.

import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { errorText } from '../base/log.ts'
import type { DeepReadonly } from '../apimachinery/resource.ts'
import type { Node } from '../api/core/node/node.ts'
import type { Informer } from '../client/informer.ts'
import type { ApplyLoop } from '../netlink/apply-loop.ts'
import { startApplyLoop } from '../netlink/apply-loop.ts'
import type { RunCommand } from '../netlink/command.ts'
import type { Route } from '../netlink/links.ts'
import { deleteLink, deleteRoute, ensureBridge, listLinks, listOurRoutes, setRoute } from '../netlink/links.ts'
import { linkName, tableName } from '../netlink/names.ts'
import { appliedTables } from '../netlink/nft/tables.ts'
import { writeSettings } from '../netlink/sysctl.ts'
import type { PodNetworkPlace, PodNetworkPlan } from './compile.ts'
import { compile, compileRoutes, routeChanges } from './compile.ts'

export interface PodNetworkOptions extends PodNetworkPlace {
  readonly nodes: Informer<Node>
  /** Where the container runtime looks for its network; written last, since it makes the node able to run pods. */
  readonly cniConfDir: string
  /** Whether `checkNetwork` found netfilter for bridges. */
  readonly bridgeNetfilter: boolean
  readonly run: RunCommand
  readonly clock: Clock
  readonly log: Logger
}

export interface PodNetwork extends AsyncDisposable {
  /** Resolves when pods can be started: the node has a podCIDR, and all of the network for it is there. */
  readonly ready: Promise<void>
  settled(): Promise<void>
}

export const CONFLIST_NAME = '10-drover.conflist'

/** Stopping leaves everything in place: containers outlive the agent. `removePodNetwork` takes it away. */
export function startPodNetwork(options: PodNetworkOptions): PodNetwork {
  const { promise: ready, resolve: markReady } = Promise.withResolvers<void>()
  const { nodes, log, run, clock } = options
  const tables = appliedTables(run)
  let plan: PodNetworkPlan | undefined
  const loop: ApplyLoop = startApplyLoop({
    clock,
    log,
    synced: nodes.synced,
    async apply(signal) {
      const now = compile(nodes.get({ name: options.node }), options)
      if (now === undefined) return
      if (now.conflist !== plan?.conflist || now.gateway !== plan.gateway) {
        await applyPlan(options, now)
        log.info('Applied pod network', { bridge: now.bridge, gateway: now.gateway })
      }
      await Promise.all([
        tables.apply(now.table, { signal }),
        applyRoutes(options, compileRoutes(nodes.list(), options.node)),
      ])
      await writeConflist(options.cniConfDir, now.conflist)
      plan = now
      markReady()
    },
    async drift(signal) {
      if (plan === undefined) return []
      const lines = [...(await tables.drift(plan.table, { signal }))]
      if (lines.length > 0) tables.forget(plan.table)
      const changes = routeChanges(
        compileRoutes(nodes.list(), options.node),
        await listOurRoutes(run),
        options.clusterCIDR,
      )
      lines.push(...changes.set.map((route) => `route to ${route.to} is gone`))
      const { bridge, gateway } = plan
      if (!(await listLinks(run)).some((link) => link.name === bridge && link.addresses.includes(gateway))) {
        lines.push(`bridge "${bridge}" has lost its address`)
        plan = undefined
      }
      return lines
    },
  })
  nodes.onChange(({ type, object, previous }) => {
    // Heartbeats change nothing here.
    if (type !== 'modified' || factsOf(object) !== factsOf(previous)) loop.changed()
  })
  return { ready, settled: () => loop.settled(), [Symbol.asyncDispose]: async () => loop[Symbol.asyncDispose]() }
}

const factsOf = (node: DeepReadonly<Node> | undefined): string =>
  JSON.stringify([node?.spec?.podCIDR, node?.spec?.podCIDRs, node?.status?.addresses])

async function applyPlan(
  { run, bridgeNetfilter, mtu, ipamDir }: PodNetworkOptions,
  plan: PodNetworkPlan,
): Promise<void> {
  await mkdir(ipamDir, { recursive: true })
  await ensureBridge(run, {
    name: plan.bridge,
    address: plan.gateway,
    netfilter: bridgeNetfilter,
    ...(mtu === undefined ? {} : { mtu }),
  })
  await writeSettings(run, {
    'net/ipv4/ip_forward': 1,
    // Answers of a pod must not be refused for coming by another way than the node would send.
    [`net/ipv4/conf/${plan.bridge}/rp_filter`]: 0,
    // A pod could otherwise announce itself to the node as a router.
    [`net/ipv6/conf/${plan.bridge}/accept_ra`]: 0,
  })
}

/** One route that cannot be set, as to a node that is not on our link, must not keep the others from being set. */
async function applyRoutes({ run, log, clusterCIDR }: PodNetworkOptions, want: readonly Route[]): Promise<void> {
  const { set, remove } = routeChanges(want, await listOurRoutes(run), clusterCIDR)
  for (const route of remove) await deleteRoute(run, route)
  for (const route of set) {
    try {
      await setRoute(run, route)
    } catch (error) {
      log.warn('Could not set route to the pods of a node', { to: route.to, via: route.via, error: errorText(error) })
    }
  }
}

/** The runtime may read it at any moment: it sees the old text or the new one, never a part. */
export async function writeConflist(directory: string, text: string): Promise<void> {
  const file = join(directory, CONFLIST_NAME)
  const present = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (present === text) return
  await mkdir(directory, { recursive: true })
  // Not ending in .conflist: the runtime must not take the draft for a network.
  const draft = join(directory, `${CONFLIST_NAME}.draft`)
  await writeFile(draft, text, { mode: 0o644 })
  await rename(draft, file)
}

/** Removes bridge, table and configuration of a node. Its pods must be gone. */
export async function removePodNetwork(
  run: RunCommand,
  { cluster, node, cniConfDir, ipamDir }: Pick<PodNetworkOptions, 'cluster' | 'node' | 'cniConfDir' | 'ipamDir'>,
): Promise<void> {
  await rm(join(cniConfDir, CONFLIST_NAME), { force: true })
  await appliedTables(run).remove({ family: 'ip', name: tableName(cluster, 'pods') })
  await deleteLink(run, linkName('pods', { cluster, node }))
  await rm(ipamDir, { recursive: true, force: true })
}
