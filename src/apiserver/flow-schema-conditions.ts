// Says of every FlowSchema whether the priority level that it names is there: its condition Dangling.

import * as errors from '../apimachinery/errors.ts'
import type { DeepReadonly } from '../apimachinery/resource.ts'
import { type FlowSchema, flowSchemas } from '../api/flowcontrol/flow-schema.ts'
import type { FlowSchemaCondition } from '../api/flowcontrol/flow-schema-fields.ts'
import { priorityLevelConfigurations } from '../api/flowcontrol/priority-level-configuration.ts'
import { type Clock, rfc3339, type Timer } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Client } from '../client/client.ts'
import { followCache } from './cache/follow.ts'
import type { ResourceCache } from './cache/resource-cache.ts'
import type { Registry } from './registry/registry.ts'

/** Upstream's name for who consumes the configuration of flow control. */
const FIELD_MANAGER = 'api-priority-and-fairness-config-consumer-v1'
/** Changes within this time are one round; a server that starts has better things to do first. */
const QUIET_MS = 1000

export interface FlowSchemaConditionsOptions {
  registry: Registry
  client: Client
  clock: Clock
  log: Logger
}

export class FlowSchemaConditions implements AsyncDisposable {
  readonly #options: FlowSchemaConditionsOptions
  readonly #schemas: ResourceCache
  readonly #levels: ResourceCache
  readonly #stop = new AbortController()
  readonly #following: Promise<void>[]
  #timer: Timer | undefined
  #work: Promise<void> = Promise.resolve()

  constructor(options: FlowSchemaConditionsOptions) {
    this.#options = options
    this.#schemas = cacheOf(options.registry, flowSchemas)
    this.#levels = cacheOf(options.registry, priorityLevelConfigurations)
    this.#following = [this.#schemas, this.#levels].map((cache) =>
      followCache(cache, this.#stop.signal, () => this.#changed()),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#timer?.cancel()
    await Promise.allSettled([...this.#following, this.#work])
  }

  #changed(): void {
    if (this.#timer !== undefined || this.#stop.signal.aborted) return
    this.#timer = this.#options.clock.after(QUIET_MS, () => {
      this.#timer = undefined
      this.#work = this.#work.then(() => this.#round())
    })
  }

  async #round(): Promise<void> {
    const { client, clock, log } = this.#options
    const levels = new Set(Array.from(this.#levels.values(), ({ object }) => object.metadata.name))
    for (const { object } of this.#schemas.values()) {
      const schema = object as unknown as DeepReadonly<FlowSchema>
      const condition = decideDangling(schema, levels, clock.now())
      if (condition === undefined || this.#stop.signal.aborted) continue
      const { apiVersion, kind } = flowSchemas
      const { name, uid } = schema.metadata
      const body = { apiVersion, kind, metadata: { name, uid }, status: { conditions: [condition] } }
      const options = { fieldManager: FIELD_MANAGER, subresource: 'status' } as const
      try {
        await client.patch(flowSchemas, { name }, { type: 'apply', force: true, body }, options)
      } catch (error) {
        // What is gone, or was made anew meanwhile, is looked at when that is heard of.
        if (!errors.isNotFound(error) && !errors.isConflict(error))
          log.error('Failed to write the status of a FlowSchema', { flowSchema: name, error })
      }
    }
  }
}

/** The condition that the schema should have; undefined: it has it. Pure. */
export function decideDangling(
  { spec, status }: DeepReadonly<FlowSchema>,
  levels: ReadonlySet<string>,
  nowMs: number,
): FlowSchemaCondition | undefined {
  const level = spec?.priorityLevelConfiguration.name ?? ''
  const found = levels.has(level)
  const names = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`
  const wanted = found
    ? { status: 'False', reason: 'Found', message: `${names} and it exists` }
    : { status: 'True', reason: 'NotFound', message: `${names} but there is no such object` }
  const present = status?.conditions?.find(({ type }) => type === 'Dangling')
  if (present?.status === wanted.status && present.reason === wanted.reason && present.message === wanted.message)
    return undefined
  return { type: 'Dangling', lastTransitionTime: rfc3339(nowMs), ...wanted }
}

function cacheOf(
  registry: Registry,
  { group, version, plural }: { group: string; version: string; plural: string },
): ResourceCache {
  const cache = registry.get(group, version, plural)?.cache
  if (!cache) throw new Error(`Bug: ${plural} are not served`)
  return cache
}
