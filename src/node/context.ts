// What every part of one node's agent is given.

import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Client } from '../client/client.ts'
import type { EventRecorder } from '../client/events.ts'
import type { Cgroups } from './cgroup/cgroups.ts'
import type { RuntimeClient } from './cri/cri.ts'
import type { ClusterDns } from './pods/dns.ts'
import type { Mounter } from './volumes/mounter.ts'

/** The part of `Cgroups` that pods need. */
export type PodCgroups = Pick<
  Cgroups,
  'setUp' | 'updateBurstable' | 'podPath' | 'applyPod' | 'deletePod' | 'listPods' | 'podStats' | 'containerStats'
>

export interface NodeContext {
  readonly client: Client
  readonly runtime: RuntimeClient
  readonly cgroups: PodCgroups
  readonly mounter: Mounter
  readonly nodeName: string
  readonly nodeIPs: readonly string[]
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly events: EventRecorder
  readonly directories: NodeDirectories
  readonly dns: ClusterDns
  /** The node's own resolver configuration and hosts file, read when a pod starts. */
  readonly hostFiles: { readonly resolvConf: string; readonly hosts: string }
  /** What pods together may use. */
  readonly allocatable: Readonly<Record<string, string>>
  readonly nodeMemoryBytes: number
}

export interface NodeDirectories {
  /** One directory per pod, named by its uid. */
  readonly pods: string
  /** `<namespace>_<name>_<uid>/<container>/<n>.log` */
  readonly logs: string
  readonly seccomp: string
}
