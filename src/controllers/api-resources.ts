// What the server serves, as discovery tells it: the kinds that controllers work on without knowing them.

import { VIEWS } from '../api/all.ts'
import type { Client } from '../client/client.ts'
import { isNotFound } from '../apimachinery/errors.ts'
import type { AnyObject } from '../apimachinery/metadata.ts'
import type { Resource } from '../apimachinery/resource.ts'
import { messageOf } from './refusals.ts'

interface ApiResource {
  name: string
  namespaced: boolean
  kind: string
  group?: string
  version?: string
  verbs: readonly string[]
}

/** A kind of which only its path, its name and what can be done with it are known. */
export interface ServedKind {
  /** For the client: says no more than a path needs. */
  resource: Resource<AnyObject>
  verbs: ReadonlySet<string>
}

export interface Discovered {
  kinds: readonly ServedKind[]
  /** Groups that could not be asked, with the reason. */
  failures: readonly { groupVersion: string; reason: string }[]
}

/** Kinds that a group has of another: whoever works on all objects has seen theirs in the group that stores them. */
const SEEN_ELSEWHERE = new Set(
  VIEWS.filter(({ resource, hub }) => resource.group !== hub.group).map(({ resource }) => resource.groupResource),
)

/** Every kind in its preferred version, without subresources and without what is only shown. */
export async function discover(client: Client, signal: AbortSignal): Promise<Discovered> {
  const groups = (await client.raw('/apis', { signal })) as {
    groups: readonly { preferredVersion: { groupVersion: string }; versions: readonly { groupVersion: string }[] }[]
  }
  const failures: { groupVersion: string; reason: string }[] = []
  const kinds = new Map<string, ServedKind>()
  const paths = [{ groupVersion: 'v1', path: '/api/v1' }]
  for (const { preferredVersion, versions } of groups.groups) {
    // The preferred version first: other versions add only what it does not have.
    const ordered = [preferredVersion, ...versions.filter((v) => v.groupVersion !== preferredVersion.groupVersion)]
    for (const { groupVersion } of ordered) paths.push({ groupVersion, path: `/apis/${groupVersion}` })
  }
  const lists = await Promise.allSettled(paths.map(({ path }) => client.raw(path, { signal })))
  lists.forEach((list, i) => {
    const groupVersion = paths[i]?.groupVersion ?? ''
    if (list.status === 'rejected') {
      // The kind went between the list of groups and this question; there is nothing of it left to ask about.
      if (!isNotFound(list.reason)) failures.push({ groupVersion, reason: messageOf(list.reason) })
      return
    }
    for (const found of (list.value as { resources?: readonly ApiResource[] }).resources ?? []) {
      if (found.name.includes('/')) continue
      const kind = servedKind(found, groupVersion)
      if (SEEN_ELSEWHERE.has(kind.resource.groupResource)) continue
      if (!kinds.has(kind.resource.groupResource)) kinds.set(kind.resource.groupResource, kind)
    }
  })
  return { kinds: [...kinds.values()], failures }
}

function servedKind({ name, namespaced, kind, verbs }: ApiResource, groupVersion: string): ServedKind {
  const slash = groupVersion.indexOf('/')
  const group = slash < 0 ? '' : groupVersion.slice(0, slash)
  const version = groupVersion.slice(slash + 1)
  const facts: Omit<Resource<AnyObject>, 'struct'> = {
    group,
    version,
    kind,
    plural: name,
    singular: kind.toLowerCase(),
    listKind: `${kind}List`,
    scope: namespaced ? 'Namespaced' : 'Cluster',
    apiVersion: groupVersion,
    groupResource: group === '' ? name : `${name}.${group}`,
  }
  // Clients go by path and do not look at fields; nobody validates with a discovered kind.
  return { resource: facts as Resource<AnyObject>, verbs: new Set(verbs) }
}
