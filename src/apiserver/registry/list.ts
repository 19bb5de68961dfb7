// LIST: a page of the cache, or of the store where an older revision is asked for, with the tokens that lead from page to page.

import * as errors from '../../apimachinery/errors.ts'
import { CompactedError } from '../../store/store.ts'
import type { StoredObject } from '../cache/stored.ts'
import type { RequestContext } from './context.ts'
import { type Selected, selectionOf } from './selection.ts'
import type { Core, Served } from './served.ts'

export interface Listing {
  items: readonly StoredObject[]
  revision: number
  next: string | undefined
  remaining: number | undefined
}

export async function list(
  core: Core,
  served: Served,
  query: URLSearchParams,
  context: RequestContext,
): Promise<Listing> {
  const selected = selectionOf(served, query, context)
  const limit = wholeNumber(query.get('limit'), 'limit')
  const token = query.get('continue')
  const asked = query.get('resourceVersion') ?? ''
  const match = query.get('resourceVersionMatch') ?? ''
  checkMatch(asked, match, token)
  if (query.has('sendInitialEvents'))
    throw errors.invalidListOptions('sendInitialEvents', 'Forbidden: sendInitialEvents is forbidden for list')
  if (token && asked !== '' && asked !== '0')
    throw errors.badRequest('specifying resource version is not allowed when using continue')
  if (token) return page(core, served, selected, limit, parseToken(served, token))
  if (match === 'Exact' || (asked !== '' && asked !== '0' && match === '' && limit > 0)) {
    return page(core, served, selected, limit, { revision: revisionOf(asked), after: undefined })
  }
  const { selection } = selected
  await fresh(core, asked)
  await served.cache.prepare(selection)
  const { revision } = core.cacher
  const { items, next, remaining } = await served.cache.select(selection, limit)
  return { items, revision, next, remaining: selected.filtered ? undefined : remaining }
}

/** Resolves when reads are as fresh as asked: by default as fresh as the store. undefined: they are, as nearly always with a store of our own. */
export function fresh(core: Core, asked: string): Promise<void> | undefined {
  if (asked === '0') return undefined
  const revision = asked === '' ? core.store.newest() : revisionOf(asked)
  if (typeof revision === 'number' && revision <= core.cacher.revision) return undefined
  return caughtUp(core, revision)
}

async function caughtUp(core: Core, asked: number | Promise<number>): Promise<void> {
  const revision = await asked
  if (await core.cacher.reachedSoon(revision)) return
  throw errors.tooLargeResourceVersion(revision, core.cacher.revision)
}

interface Position {
  revision: number
  after: string | undefined
}

/** A page as of one revision: from the cache while nothing of the resource has changed since, from the store's history otherwise. */
async function page(core: Core, served: Served, selected: Selected, limit: number, at: Position): Promise<Listing> {
  await fresh(core, String(at.revision))
  if (served.cache.changedAt <= at.revision) {
    const { items, next, remaining } = await served.cache.select(selected.selection, limit, at.after)
    return { items, revision: at.revision, next, remaining: selected.filtered ? undefined : remaining }
  }
  const { namespace, name, matches } = selected.selection
  const prefix = served.cache.prefix + (namespace === '' ? '' : `${namespace}/`)
  const items: StoredObject[] = []
  let after = at.after
  try {
    for (;;) {
      const { entries, more } = await core.store.list(prefix, {
        revision: at.revision,
        ...(after === undefined ? {} : { after }),
        limit: limit > 0 ? limit + 1 : 0,
      })
      for (const entry of entries) {
        after = entry.key
        const object = served.cache.objectFrom(entry.key, entry.revision, entry.value)
        if (name !== undefined && object.object.metadata.name !== name) continue
        if (matches && !matches(object)) continue
        if (limit > 0 && items.length === limit)
          return { items, revision: at.revision, next: items.at(-1)?.key, remaining: undefined }
        items.push(object)
      }
      if (!more) return { items, revision: at.revision, next: undefined, remaining: undefined }
    }
  } catch (error) {
    if (error instanceof CompactedError)
      throw at.after === undefined
        ? errors.expired(`The resourceVersion for the provided list is too old.`)
        : errors.expired(
            'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
          )
    throw error
  }
}

function checkMatch(asked: string, match: string, token: string | null): void {
  if (match === '') return
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    throw errors.invalidListOptions(
      'resourceVersionMatch',
      `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan"`,
    )
  }
  if (token)
    throw errors.invalidListOptions(
      'resourceVersionMatch',
      'Forbidden: resourceVersionMatch is forbidden when continue is provided',
    )
  if (asked === '')
    throw errors.invalidListOptions(
      'resourceVersionMatch',
      'Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    )
  if (match === 'Exact' && asked === '0')
    throw errors.invalidListOptions(
      'resourceVersionMatch',
      'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    )
}

export function revisionOf(text: string): number {
  if (!/^\d{1,16}$/.test(text))
    throw errors.badRequest(
      `Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    )
  return Number(text)
}

function wholeNumber(text: string | null, name: string): number {
  if (text === null || text === '') return 0
  if (!/^-?\d{1,15}$/.test(text))
    throw errors.badRequest(`invalid ${name}: strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  return Math.max(0, Number(text))
}

/** Upstream's token: base64 of the revision and the key to go on behind, relative to the resource. */
function parseToken(served: Served, token: string): Position {
  const broken = (): Error => errors.badRequest('continue key is not valid: encoded continue token is invalid')
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(token, 'base64url').toString())
  } catch {
    throw broken()
  }
  const { v, rv, start } = (value ?? {}) as { v?: unknown; rv?: unknown; start?: unknown }
  if (
    v !== 'meta.k8s.io/v1' ||
    typeof rv !== 'number' ||
    !Number.isSafeInteger(rv) ||
    rv <= 0 ||
    typeof start !== 'string'
  )
    throw broken()
  if (start.split('/').some((part) => part === '' || part === '.' || part === '..')) throw broken()
  return { revision: rv, after: served.cache.prefix + start }
}

export function tokenFor(served: Served, revision: number, key: string): string {
  return Buffer.from(
    JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start: key.slice(served.cache.prefix.length) }),
  ).toString('base64url')
}

export interface ListMetadata {
  resourceVersion: string
  continue?: string
  remainingItemCount?: number
}

/** What stands around the items of a list: its metadata, and head and tail in JSON. */
export function listEnds(served: Served, listing: Listing): { metadata: ListMetadata; head: Buffer; tail: Buffer } {
  const { shown: resource } = served
  const token = listing.next === undefined ? undefined : tokenFor(served, listing.revision, listing.next)
  const metadata = {
    resourceVersion: String(listing.revision),
    ...(token === undefined ? {} : { continue: token }),
    ...(token !== undefined && listing.remaining !== undefined ? { remainingItemCount: listing.remaining } : {}),
  }
  const head = `{"kind":${JSON.stringify(resource.listKind)},"apiVersion":${JSON.stringify(resource.apiVersion)},"metadata":${JSON.stringify(metadata)},"items":[`
  return { metadata, head: Buffer.from(head), tail: LIST_TAIL }
}

const LIST_TAIL = Buffer.from(']}\n')
