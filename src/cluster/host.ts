// What every part of this room is given: the machine, as parameters.

import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Roots } from './places.ts'

export interface Host {
  readonly clock: Clock
  readonly random: Random
  /** For what containerd and the network have to say while they are cleared up. */
  readonly log: Logger
  /** The variables that long-running processes are started with. */
  readonly environment: Readonly<Record<string, string>>
  readonly roots: Roots
  /** How `drover` itself is started: the Node.js binary and the program's file. */
  readonly program: readonly [string, ...string[]]
  readonly uid: number
  readonly signal: AbortSignal
  /** Says what is being done; it is done when the promise resolves. */
  step<T>(text: string, work: () => Promise<T>): Promise<T>
}
