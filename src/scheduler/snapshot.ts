// The cluster as the scheduler sees it: nodes with what their pods take, kept up change by change.

import type { DeepReadonly } from '../apimachinery/resource.ts'
import type { Node } from '../api/core/node/node.ts'
import type { Pod } from '../api/core/pod/pod.ts'
import { type Amounts, amounts, type HostPort, type PodInfo, podInfo } from './pod-info.ts'

export interface NodeInfo {
  readonly name: string
  /** undefined while only pods of the node are known. */
  node: DeepReadonly<Node> | undefined
  allocatable: Amounts
  readonly pods: Map<string, PodInfo>
  readonly requested: Record<string, number>
  readonly scored: { cpu: number; memory: number }
  /** Bytes by image name. */
  images: ReadonlyMap<string, number>
}

export class Snapshot {
  readonly #nodes = new Map<string, NodeInfo>()
  /** Which node a pod stands on, and as what; also pods that are assumed to be bound. */
  readonly #placed = new Map<string, { node: string; info: PodInfo; assumed: boolean }>()
  #list: NodeInfo[] | undefined
  /** On how many nodes an image is. */
  readonly #imageNodes = new Map<string, number>()

  /** Nodes that exist, in a stable order. */
  get nodes(): readonly NodeInfo[] {
    this.#list ??= [...this.#nodes.values()].filter((n) => n.node !== undefined)
    return this.#list
  }

  nodesWithImage(name: string): number {
    return this.#imageNodes.get(name) ?? 0
  }

  setNode(node: DeepReadonly<Node>): void {
    const info = this.#info(node.metadata.name)
    if (info.node === undefined) this.#list = undefined
    info.node = node
    info.allocatable = amounts(node.status?.allocatable)
    this.#countImages(info, -1)
    info.images = imagesOf(node)
    this.#countImages(info, 1)
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name)
    if (!info) return
    this.#countImages(info, -1)
    info.images = new Map()
    info.node = undefined
    this.#list = undefined
    if (info.pods.size === 0) this.#nodes.delete(name)
  }

  /** A pod that the API server says is on a node. */
  setPod(pod: DeepReadonly<Pod>): void {
    const nodeName = pod.spec.nodeName
    if (!nodeName) return
    const info = podInfo(pod)
    this.removePod(info.key)
    this.#place(info, nodeName, false)
  }

  /** Counts the pod on the node before the API server has confirmed it. */
  assume(info: PodInfo, node: string): void {
    this.removePod(info.key)
    this.#place(info, node, true)
  }

  /** The binding failed: the pod is not there after all. A confirmed one stays. */
  forget(key: string): void {
    if (this.#placed.get(key)?.assumed) this.removePod(key)
  }

  has(key: string): boolean {
    return this.#placed.has(key)
  }

  removePod(key: string): boolean {
    const placed = this.#placed.get(key)
    if (!placed) return false
    this.#placed.delete(key)
    const node = this.#nodes.get(placed.node)
    if (!node) return true
    node.pods.delete(key)
    count(node, placed.info, -1)
    if (node.node === undefined && node.pods.size === 0) this.#nodes.delete(placed.node)
    return true
  }

  #place(info: PodInfo, name: string, assumed: boolean): void {
    this.#placed.set(info.key, { node: name, info, assumed })
    const node = this.#info(name)
    node.pods.set(info.key, info)
    count(node, info, 1)
  }

  #info(name: string): NodeInfo {
    let info = this.#nodes.get(name)
    if (!info) {
      info = {
        name,
        node: undefined,
        allocatable: {},
        pods: new Map(),
        requested: {},
        scored: { cpu: 0, memory: 0 },
        images: new Map(),
      }
      this.#nodes.set(name, info)
    }
    return info
  }

  #countImages(info: NodeInfo, by: 1 | -1): void {
    for (const name of info.images.keys()) this.#imageNodes.set(name, (this.#imageNodes.get(name) ?? 0) + by)
  }
}

function count(node: NodeInfo, info: PodInfo, by: 1 | -1): void {
  for (const [name, amount] of Object.entries(info.requests))
    node.requested[name] = (node.requested[name] ?? 0) + by * amount
  node.scored.cpu += by * info.scored.cpu
  node.scored.memory += by * info.scored.memory
}

function imagesOf(node: DeepReadonly<Node>): Map<string, number> {
  const images = new Map<string, number>()
  for (const { names, sizeBytes } of node.status?.images ?? [])
    for (const name of names ?? []) images.set(name, sizeBytes ?? 0)
  return images
}

/** Two ports cannot both be had on one node. */
export function portsClash(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0')
}
