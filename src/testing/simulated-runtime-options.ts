// What a test may decide about a simulated runtime: how containers behave, what registries have, how long things take.

import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { ContainerConfig, PodSandboxConfig } from '../node/cri/cri.ts'

/** What a container's process does by itself. Absent: it runs until it is stopped. */
export interface ContainerScript {
  readonly exitAfterMs?: number
  readonly exitCode?: number
  /** How long it takes to end on the stop signal; 'ignore' = only SIGKILL ends it. Default 0. */
  readonly stopTakesMs?: number | 'ignore'
  /** Starting fails with this message. */
  readonly startError?: string
}

export interface SimulatedRuntimeOptions {
  readonly clock: Clock
  readonly random: Random
  /** Names that are present; a pull of any other name succeeds when `registry` has it. */
  readonly images?: readonly string[]
  /** Whether a pull finds the image. Default: yes. */
  readonly registry?: (image: string) => boolean
  /** Decides what a container does when it starts. */
  readonly script?: (container: ContainerConfig, sandbox: PodSandboxConfig) => ContainerScript
  /** The result of a command in a container. Default: exit code 0, no output. */
  readonly execute?: (command: readonly string[], container: ContainerConfig) => { exitCode: number; stdout?: string }
  /** The address of a sandbox that does not use the host's network. */
  readonly podIp?: (sandbox: PodSandboxConfig) => string
  /** How long the slow calls take. */
  readonly delays?: { readonly sandboxMs?: number; readonly startMs?: number; readonly pullMs?: number }
}
