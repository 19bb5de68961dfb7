// What a scheduling plugin is: an object of optional functions; which it has says where it runs.

import type { DeepReadonly } from '../apimachinery/resource.ts'
import type { Node } from '../api/core/node/node.ts'
import type { Pod } from '../api/core/pod/pod.ts'
import type { NodeInfo } from './snapshot.ts'
import type { PodInfo } from './pod-info.ts'

/** Why a node does not suit a pod, in upstream's words; several reasons are counted one by one. */
export type Verdict =
  | { fits: true }
  | { fits: false; reasons: readonly string[] /** Removing pods would not help. */; final: boolean }

export const fits: Verdict = { fits: true }
/** Nothing that happens to other pods makes the node suit. */
export const neverFits = (...reasons: string[]): Verdict => ({ fits: false, reasons, final: true })
/** The node would suit if pods left it. */
export const mayFitAfterPreemption = (...reasons: string[]): Verdict => ({ fits: false, reasons, final: false })

/** What can make an unschedulable pod worth another try. */
export type ClusterChange =
  | { kind: 'node-added'; node: DeepReadonly<Node> }
  | { kind: 'node-changed'; node: DeepReadonly<Node>; previous: DeepReadonly<Node> }
  | { kind: 'pod-removed'; pod: DeepReadonly<Pod> }

export const MAX_SCORE = 100

export interface PluginOptions<P> {
  /** Upstream's name. */
  name: string
  /** Weight of the scores; 1 unless said. */
  weight?: number
  /** A pod for which this gives a message does not even enter the queue. */
  gate?(pod: DeepReadonly<Pod>): string | undefined
  filter?(pod: PodInfo, node: NodeInfo): Verdict
  /** Computed once per pod, handed to every `score` of the cycle. undefined: the plugin has no opinion on this pod. */
  prepareScore?(pod: PodInfo): P | undefined
  /** 0 to 100, or any number with `normalize`. */
  score?(prepared: P, pod: PodInfo, node: NodeInfo): number
  /** Brings the scores of all nodes to 0..100 by the highest. */
  normalize?: 'higher-is-better' | 'lower-is-better'
  /** Could the change make a pod schedulable that this plugin refused? Absent: any change could. */
  worthRetrying?(pod: PodInfo, change: ClusterChange): boolean
}

export type Plugin = PluginOptions<unknown>

export function definePlugin<P>(options: PluginOptions<P>): Plugin {
  return options as unknown as Plugin
}
