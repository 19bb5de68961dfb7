// A client that follows a resource as an informer does: it watches from the revision it saw last, again and again, and checks every event.

import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { StatusError } from '../../src/apimachinery/errors.ts'
import type { AnyObject } from '../../src/apimachinery/metadata.ts'
import type { Resource } from '../../src/apimachinery/resource.ts'
import type { Client } from '../../src/client/client.ts'

/** How soon a broken watch is tried again: at once, nearly, so that it meets the server as it starts. */
const RETRY_MS = 10

export interface Seen {
  type: string
  name: string
  revision: number
  /** The object as JSON. */
  text: string
}

export interface FollowOptions {
  client: Client
  resource: Resource<AnyObject>
  namespace: string
  labelSelector?: string
  /** Watch from here on. */
  after: number
  signal: AbortSignal
}

export class Follower {
  readonly events: Seen[] = []
  /** What the events add up to, by name. */
  readonly state = new Map<string, string>()
  revision: number
  failure: Error | undefined
  readonly done: Promise<void>
  #waiting: { revision: number; resolve: () => void; reject: (error: Error) => void } | undefined

  /** `state`: what was there at `after`. */
  constructor(options: FollowOptions, state: ReadonlyMap<string, string>) {
    this.revision = options.after
    this.state = new Map(state)
    this.done = this.#run(options).catch((error: unknown) => {
      this.failure = error instanceof Error ? error : new Error(String(error))
      this.#waiting?.reject(this.failure)
    })
  }

  /** Resolves when an event of `revision` or later has been seen. */
  reached(revision: number): Promise<void> {
    if (this.failure) return Promise.reject(this.failure)
    if (this.revision >= revision) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiting = { revision, resolve, reject }
    })
  }

  async #run({ client, resource, namespace, labelSelector, signal }: FollowOptions): Promise<void> {
    while (!signal.aborted) {
      try {
        const watch = client.watch(resource, {
          namespace,
          ...(labelSelector === undefined ? {} : { labelSelector }),
          resourceVersion: String(this.revision),
          signal,
        })
        for await (const batch of watch) for (const { type, object } of batch) this.#take(type, object as AnyObject)
      } catch (error) {
        if (signal.aborted) return
        // What the server says, and what does not add up, counts; a connection that broke does not.
        if (error instanceof StatusError || error instanceof assert.AssertionError) throw error
      }
      if (!signal.aborted) await pause(RETRY_MS)
    }
  }

  #take(type: string, object: AnyObject): void {
    const { name } = object.metadata
    const revision = Number(object.metadata.resourceVersion)
    const text = JSON.stringify(object)
    const where = `${type} of ${name} at ${revision} after ${this.revision}`
    assert.ok(revision > this.revision, `${where}: told twice or out of order`)
    assert.equal(this.state.has(name), type !== 'ADDED', `${where}: does not fit what was told before`)
    if (type === 'DELETED') this.state.delete(name)
    else this.state.set(name, text)
    this.events.push({ type, name, revision, text })
    this.revision = revision
    if (this.#waiting && this.#waiting.revision <= revision) {
      this.#waiting.resolve()
      this.#waiting = undefined
    }
  }
}
