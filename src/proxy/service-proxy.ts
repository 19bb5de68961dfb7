// Keeps the kernel's service rules equal to what the API says: watch, compile, apply in one transaction.

import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { errorText } from '../base/log.ts'
import type { DeepReadonly } from '../apimachinery/resource.ts'
import type { Pod } from '../api/core/pod/pod.ts'
import type { Service } from '../api/core/service/service.ts'
import type { EndpointSlice } from '../api/discovery/endpoint-slice.ts'
import type { Informer } from '../client/informer.ts'
import type { RunCommand } from '../netlink/command.ts'
import type { ApplyLoop } from '../netlink/apply-loop.ts'
import { startApplyLoop } from '../netlink/apply-loop.ts'
import type { ConntrackFilter } from '../netlink/conntrack.ts'
import { flushConntrack } from '../netlink/conntrack.ts'
import { tableName } from '../netlink/names.ts'
import type { Table } from '../netlink/nft/model.ts'
import type { AppliedTables } from '../netlink/nft/tables.ts'
import { appliedTables } from '../netlink/nft/tables.ts'
import type { ProxyNode } from './compile.ts'
import { compile } from './compile.ts'
import { hostPorts } from './host-ports.ts'
import type { ServicePort } from './service-ports.ts'
import { servicePorts } from './service-ports.ts'
import { staleFlows } from './stale-flows.ts'

export interface ServiceProxyOptions {
  readonly services: Informer<Service>
  readonly endpointSlices: Informer<EndpointSlice>
  /** The pods of this node at least, for their host ports. */
  readonly pods: Informer<Pod>
  /** What is known of the node now; asked at each round, since addresses change. */
  readonly node: () => ProxyNode
  readonly run: RunCommand
  readonly clock: Clock
  readonly log: Logger
}

export interface ServiceProxy extends AsyncDisposable {
  /** Resolves when the rules for everything known at the start are in the kernel: pods may depend on services from then on. */
  readonly ready: Promise<void>
  /** Says that the node's facts changed. */
  nodeChanged(): void
  /** Resolves when what the caches hold now is in the kernel. */
  settled(): Promise<void>
}

/** Above this, stale flows are dropped by protocol in one sweep: a process per entry would take longer than the flows live. */
const MAX_FLOW_FILTERS = 200

/** Stopping leaves the rules: containers outlive the agent, and so do their services. `removeServiceProxy` takes them away. */
export function startServiceProxy(options: ServiceProxyOptions): ServiceProxy {
  return new Proxier(options)
}

/** Deletes all service rules of a cluster. */
export async function removeServiceProxy(run: RunCommand, cluster: string): Promise<void> {
  await appliedTables(run).remove({ family: 'ip', name: tableName(cluster) })
}

class Proxier implements ServiceProxy {
  readonly ready: Promise<void>
  readonly #options: ServiceProxyOptions
  readonly #tables: AppliedTables
  readonly #loop: ApplyLoop
  #ports: readonly ServicePort[] = []
  #table: Table | undefined

  constructor(options: ServiceProxyOptions) {
    const { services, endpointSlices, pods, clock, log } = options
    this.#options = options
    this.#tables = appliedTables(options.run)
    this.#loop = startApplyLoop({
      clock,
      log,
      synced: Promise.all([services.synced, endpointSlices.synced, pods.synced]),
      apply: (signal) => this.#apply(signal),
      drift: (signal) => this.#drift(signal),
    })
    this.ready = this.#loop.ready
    services.onChange(() => this.#loop.changed())
    endpointSlices.onChange(() => this.#loop.changed())
    pods.onChange(({ object, previous }) => {
      if (hasHostPorts(object) || (previous !== undefined && hasHostPorts(previous))) this.#loop.changed()
    })
  }

  nodeChanged(): void {
    this.#loop.changed()
  }

  settled(): Promise<void> {
    return this.#loop.settled()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop[Symbol.asyncDispose]()
  }

  async #apply(signal: AbortSignal): Promise<void> {
    const { services, endpointSlices, pods, log } = this.#options
    const node = this.#options.node()
    const place = { node: node.name, ...(node.zone === undefined ? {} : { zone: node.zone }) }
    const ports = servicePorts(services.list(), endpointSlices.list(), place)
    const table = compile(ports, hostPorts(pods.list(), node.name), node)
    const commands = await this.#tables.apply(table, { signal })
    const stale = staleFlows(this.#ports, ports)
    this.#table = table
    this.#ports = ports
    if (commands.length > 0) log.debug('Applied service rules', { ports: ports.length, commands: commands.length })
    await this.#dropFlows(stale, signal)
  }

  /** A flow that could not be dropped is no reason to write the rules again: it is said, and the flow ends by its own time-out. */
  async #dropFlows(stale: readonly ConntrackFilter[], signal: AbortSignal): Promise<void> {
    const filters = stale.length > MAX_FLOW_FILTERS ? [{ protocol: 'udp' } as const] : stale
    for (const filter of filters) {
      try {
        await flushConntrack(this.#options.run, filter, signal)
      } catch (error) {
        if (signal.aborted) return
        this.#options.log.warn('Could not drop stale connections', { error: errorText(error) })
      }
    }
  }

  async #drift(signal: AbortSignal): Promise<readonly string[]> {
    if (this.#table === undefined) return []
    const drift = await this.#tables.drift(this.#table, { signal })
    if (drift.length > 0) this.#tables.forget(this.#table)
    return drift
  }
}

function hasHostPorts(pod: DeepReadonly<Pod>): boolean {
  return (pod.spec?.containers ?? []).some((container) => (container.ports ?? []).some((port) => port.hostPort))
}
