// Starts all controllers of a cluster: one set of informers for all of them, an identity for each.

import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Client } from '../client/client.ts'
import type { Identity } from '../client/door.ts'
import { createEventRecorder } from '../client/events.ts'
import { InformerSet } from '../client/informer-set.ts'
import { allControllers, type AnyController, type ControllerConfiguration } from './all.ts'
import { type RunningController, startController } from './controller.ts'

export interface ControllersOptions {
  /** A client that calls as this identity; see `controllerIdentity`. */
  client(identity: Identity, userAgent: string): Client
  clock: Clock
  random: Random
  log: Logger
  configuration: ControllerConfiguration
  /** Instead of all of them (tests). */
  controllers?: readonly AnyController[]
}

export interface RunningControllers extends AsyncDisposable {
  /** Nothing is queued or being worked on, by any of them. */
  readonly idle: boolean
  readonly running: readonly RunningController[]
}

/** Reads all kinds: the informers, which all controllers share, read as this one. */
const READER = 'generic-garbage-collector'

export function controllerIdentity(account: string): Identity {
  return {
    username: `system:serviceaccount:kube-system:${account}`,
    groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
  }
}

export function startControllers(options: ControllersOptions): RunningControllers {
  const { clock, random, log, configuration } = options
  const stack = new AsyncDisposableStack()
  const clientOf = (account: string, name = account): Client =>
    options.client(controllerIdentity(account), `drover-controllers/${name}`)
  const informers = stack.use(new InformerSet({ client: clientOf(READER, 'shared-informers'), clock, log }))
  const running: RunningController[] = []
  for (const controller of options.controllers ?? allControllers(configuration)) {
    const { name, account = name } = controller
    const client = clientOf(account, name)
    const events = stack.use(createEventRecorder({ client, component: account, clock, random, log }))
    const environment = { client, informers, events, clock, random, log }
    running.push(
      stack.use('start' in controller ? controller.start(environment) : startController(controller, environment)),
    )
  }
  return {
    running,
    get idle() {
      return running.every((controller) => controller.idle)
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
