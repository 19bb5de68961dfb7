// Clients that come for a while: watchers that see so many events and go, readers of lists page by page; a server that dies under them is no failure of theirs.

import assert from 'node:assert/strict'
import { isExpired, StatusError } from '../../src/apimachinery/errors.ts'
import type { AnyObject } from '../../src/apimachinery/metadata.ts'
import type { Resource } from '../../src/apimachinery/resource.ts'
import type { Client } from '../../src/client/client.ts'
import type { Base } from '../robustness/promises.ts'
import { LABEL, NAMESPACE } from '../robustness/workload.ts'

interface Visit {
  client: Client
  resource: Resource<AnyObject>
}

interface Watching extends Visit {
  base: Base
  /** So many, and it goes. */
  events: number
  signal: AbortSignal
}

/** Events come in order, once. Answers how many came. */
export async function watchAWhile({ client, resource, base, events, signal }: Watching): Promise<number> {
  const gone = new AbortController()
  const options = { namespace: NAMESPACE, labelSelector: LABEL, resourceVersion: String(base.revision) }
  let seen = 0
  let revision = base.revision
  try {
    const watch = client.watch(resource, { ...options, signal: AbortSignal.any([signal, gone.signal]) })
    for await (const batch of watch) {
      for (const { type, object } of batch) {
        const at = Number(object.metadata.resourceVersion)
        assert.ok(at > revision, `${type} of ${object.metadata.name} at ${at} after ${revision}`)
        revision = at
        seen++
      }
      if (seen >= events) break
    }
  } catch (error) {
    if (error instanceof assert.AssertionError || error instanceof StatusError) throw error
  } finally {
    gone.abort()
  }
  return seen
}

/** The pages of a list are of one revision, in order, and tell each object once. Answers how many there were. */
export async function readPages({ client, resource, limit }: Visit & { limit: number }): Promise<number> {
  const names: string[] = []
  let [pages, next, revision] = [0, '', '']
  try {
    do {
      const page = await client.list(resource, { namespace: NAMESPACE, limit, ...(next ? { continue: next } : {}) })
      assert.ok(page.items.length <= limit)
      if (pages > 0) assert.equal(page.resourceVersion, revision, 'pages of one list are of different revisions')
      revision = page.resourceVersion
      for (const { metadata } of page.items) {
        assert.ok(Number(metadata.resourceVersion) <= Number(revision), 'a page tells of its future')
        names.push(metadata.name)
      }
      next = page.continue ?? ''
      pages++
    } while (next !== '')
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error
    // A token of before the restart may be too old, as it may be upstream's.
    if (error instanceof StatusError && !isExpired(error)) throw error
  }
  assert.deepEqual(names, [...new Set(names)].sort(), 'pages overlap or are out of order')
  return pages
}
