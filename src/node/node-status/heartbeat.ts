// Keeps the node's place in the cluster: registers it, says what has changed, and renews its lease as a sign of life.

import { rfc3339Micro, sleep, type Timer } from '../../base/clock.ts'
import { errorText } from '../../base/log.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../../apimachinery/errors.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { type Lease, leases } from '../../api/coordination/lease.ts'
import { type Node, nodes } from '../../api/core/node/node.ts'
import type { Taint } from '../../api/core/node/spec.ts'
import type { NodeContext } from '../context.ts'
import type { Machine } from './machine.ts'
import { materialText, newNode, type NodeFacts, nodeLabels, nodeStatus } from './node-object.ts'

export interface HeartbeatOptions {
  readonly context: NodeContext
  readonly machine: Machine
  readonly capacity: Readonly<Record<string, string>>
  readonly version: string
  readonly labels: Readonly<Record<string, string>>
  readonly taints: readonly Taint[]
  /** Of the agent's API; 0: none. */
  readonly port: number
  readonly onPodCIDR: (cidrs: readonly string[]) => void
  /** What the node is short of, by the names of the conditions. */
  readonly pressures: () => readonly string[]
}

const LEASE_NAMESPACE = 'kube-node-lease'
const LEASE_SECONDS = 40
const LEASE_RENEW_MS = 10_000
/** The state of the node is looked at so often, and told when it changed … */
const LOOK_MS = 10_000
/** … and so often while it is not ready yet … */
const LOOK_UNREADY_MS = 250
/** … and in any case. */
const REPORT_MS = 300_000
const MAX_IMAGES = 50
const RETRY_MS = 1000

export class Heartbeat implements AsyncDisposable {
  readonly #options: HeartbeatOptions
  readonly #stop = new AbortController()
  #node: DeepReadonly<Node> | undefined
  #lease: DeepReadonly<Lease> | undefined
  #reportedAt = Number.NEGATIVE_INFINITY
  #cidrs = ''
  #pause: (() => void) | undefined
  #timer: Timer | undefined
  readonly #running: Promise<unknown>

  constructor(options: HeartbeatOptions) {
    this.#options = options
    this.#running = Promise.all([this.#report(), this.#renew()])
  }

  /** Something may have changed: look now. */
  wake(): void {
    this.#pause?.()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.wake()
    await this.#running
  }

  async #report(): Promise<void> {
    const { log } = this.#options.context
    while (!this.#stop.signal.aborted) {
      let pauseMs = RETRY_MS
      try {
        pauseMs = await this.#look()
      } catch (error) {
        if (this.#stop.signal.aborted) return
        if (isNotFound(error) || isConflict(error)) this.#node = undefined
        log.warn('Failed to report the state of the node', { reason: errorText(error) })
      }
      await this.#wait(pauseMs)
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stop.signal.aborted) return resolve()
      this.#pause = () => {
        this.#timer?.cancel()
        resolve()
      }
      this.#timer = this.#options.context.clock.after(ms, resolve)
    })
  }

  async #look(): Promise<number> {
    const { context, onPodCIDR } = this.#options
    const { client, clock, nodeName } = context
    const { signal } = this.#stop
    const facts = await this.#facts()
    if (this.#node === undefined) await this.#register(facts)
    const now = clock.now()
    const status = nodeStatus(facts, this.#node?.status, now)
    if (materialText(status) !== materialText(this.#node?.status) || now - this.#reportedAt >= REPORT_MS) {
      const labels = nodeLabels(facts)
      const stale = Object.entries(labels).some(([key, value]) => this.#node?.metadata.labels?.[key] !== value)
      if (stale)
        await client.patch(nodes, { name: nodeName }, { type: 'merge', body: { metadata: { labels } } }, { signal })
      const { addresses = [], ...rest } = status
      const body = { status: { ...rest, addresses: [...addresses, { $patch: 'replace' }] } }
      this.#node = await client.patch(
        nodes,
        { name: nodeName },
        { type: 'strategic', body },
        { subresource: 'status', signal },
      )
      this.#reportedAt = now
    } else if (this.#cidrs === '') {
      this.#node = await client.get(nodes, { name: nodeName }, { signal, resourceVersion: '0' })
    }
    const cidrs = this.#node?.spec?.podCIDRs ?? (this.#node?.spec?.podCIDR ? [this.#node.spec.podCIDR] : [])
    if (cidrs.length > 0 && cidrs.join() !== this.#cidrs) {
      this.#cidrs = cidrs.join()
      onPodCIDR(cidrs)
    }
    return facts.notReady === undefined && this.#cidrs !== ''
      ? LOOK_MS
      : facts.notReady === undefined
        ? RETRY_MS
        : LOOK_UNREADY_MS
  }

  /** Creates the Node, or takes over the one that is there. */
  async #register(facts: NodeFacts): Promise<void> {
    const { context, labels, taints } = this.#options
    const { client, clock, nodeName, log } = context
    const { signal } = this.#stop
    try {
      this.#node = await client.create(nodes, newNode(facts, { labels, taints }, clock.now()), { signal })
      this.#reportedAt = clock.now()
      log.info('Registered the node', { node: nodeName })
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
      this.#node = await client.get(nodes, { name: nodeName }, { signal })
    }
  }

  async #facts(): Promise<NodeFacts> {
    const { context, machine, capacity, version, port } = this.#options
    const { runtime, nodeIPs, nodeName, allocatable } = context
    const { signal } = this.#stop
    const base = { name: nodeName, addresses: nodeIPs, machine, capacity, allocatable, version, port }
    const pressures = this.#options.pressures()
    try {
      const [{ runtimeName, runtimeVersion }, { status, runtimeHandlers }, images] = await Promise.all([
        runtime.version({ signal }),
        runtime.status({ signal }),
        runtime.listImages(undefined, { signal }),
      ])
      const broken = (status?.conditions ?? []).filter((condition) => !condition.status)
      const reasons = broken.map(({ type, reason, message }) => `${type}=false reason:${reason} message:${message}`)
      return {
        ...base,
        pressures,
        runtimeVersion: `${runtimeName}://${runtimeVersion}`,
        notReady: reasons.length === 0 ? undefined : `container runtime network not ready: ${reasons.join(', ')}`,
        images: images
          .map(({ repoTags, repoDigests, size }) => ({
            names: [...repoDigests, ...repoTags].slice(0, 5),
            sizeBytes: size,
          }))
          .filter(({ names }) => names.length > 0)
          .sort((a, b) => b.sizeBytes - a.sizeBytes)
          .slice(0, MAX_IMAGES),
        runtimeHandlers: runtimeHandlers.map(({ name }) => name),
      }
    } catch (error) {
      signal.throwIfAborted()
      const notReady = `container runtime is down: ${errorText(error)}`
      return { ...base, pressures, runtimeVersion: '', notReady, images: [], runtimeHandlers: [] }
    }
  }

  async #renew(): Promise<void> {
    const { clock, log } = this.#options.context
    while (!this.#stop.signal.aborted) {
      let pauseMs = LEASE_RENEW_MS
      try {
        await this.#renewOnce()
      } catch (error) {
        if (this.#stop.signal.aborted) return
        this.#lease = undefined
        pauseMs = RETRY_MS
        log.debug('Failed to renew the lease of the node', { reason: errorText(error) })
      }
      await sleep(clock, pauseMs, this.#stop.signal).catch(() => {})
    }
  }

  async #renewOnce(): Promise<void> {
    const { client, clock, nodeName } = this.#options.context
    const { signal } = this.#stop
    const key = { namespace: LEASE_NAMESPACE, name: nodeName }
    const renewTime = rfc3339Micro(clock.now())
    if (this.#lease === undefined) {
      this.#lease = await client.get(leases, key, { signal }).catch((error: unknown) => {
        if (isNotFound(error)) return undefined
        throw error
      })
    }
    const spec = { holderIdentity: nodeName, leaseDurationSeconds: LEASE_SECONDS, renewTime }
    const uid = this.#node?.metadata.uid
    const owner = { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: uid ?? '' }
    if (this.#lease === undefined) {
      const metadata = { ...key, ...(uid === undefined ? {} : { ownerReferences: [owner] }) }
      const lease: Lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec }
      this.#lease = await client.create(leases, lease, { signal })
    } else
      this.#lease = await client.update(leases, { ...this.#lease, spec: { ...this.#lease.spec, ...spec } }, { signal })
  }
}
