// The discovery documents: which groups, versions and resources there are, in the one-by-one form and in the aggregated one.

import { createHash } from 'node:crypto'
import { ALL_VERBS, type SubresourceFacts } from '../../apimachinery/resource.ts'
import type { Served } from '../registry/served.ts'
import { compare, type Group, type GroupVersion } from './groups.ts'

interface Addresses {
  serverAddressByClientCIDRs: readonly { clientCIDR: string; serverAddress: string }[]
}

/** `/api`. */
export function apiVersions(core: Group | undefined, serverAddress: string): object {
  const addresses: Addresses = { serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }] }
  return { kind: 'APIVersions', versions: (core?.versions ?? []).map((v) => v.version), ...addresses }
}

/** `/apis`. */
export function apiGroupList(groups: readonly Group[]): object {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.filter((g) => g.name !== '').map(groupFacts) }
}

/** `/apis/<group>`. */
export function apiGroup(group: Group): object {
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupFacts(group) }
}

function groupFacts({ name, versions }: Group): object {
  const facts = versions.map(({ version }) => ({ groupVersion: `${name}/${version}`, version }))
  return { name, versions: facts, preferredVersion: facts[0] }
}

/** `/api/v1`, `/apis/<group>/<version>`. The core group's has no apiVersion, as ever. */
export function apiResourceList({ name }: Group, { version, resources }: GroupVersion): object {
  return {
    kind: 'APIResourceList',
    ...(name === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: name === '' ? version : `${name}/${version}`,
    resources: resources.flatMap((served) => [
      resourceFacts(served),
      ...subresourcesOf(served).map((facts) => subresourceFacts(served, facts)),
    ]),
  }
}

function resourceFacts(served: Served): object {
  const { shown: resource } = served
  const { shortNames = [], categories = [] } = resource
  const hash = storageVersionHash(served)
  return {
    name: resource.plural,
    singularName: resource.singular,
    namespaced: resource.scope === 'Namespaced',
    kind: resource.kind,
    verbs: verbsOf(served),
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(hash === undefined ? {} : { storageVersionHash: hash }),
  }
}

function subresourceFacts({ shown: resource }: Served, facts: SubresourceFacts): object {
  const foreign = facts.group === undefined ? {} : { group: facts.group, version: facts.version }
  return {
    name: `${resource.plural}/${facts.name}`,
    singularName: '',
    namespaced: resource.scope === 'Namespaced',
    ...foreign,
    kind: facts.kind,
    verbs: facts.verbs.toSorted(compare),
  }
}

function verbsOf({ shown: resource }: Served): string[] {
  return [...(resource.verbs ?? ALL_VERBS)].sort(compare)
}

function subresourcesOf({ shown: resource }: Served): SubresourceFacts[] {
  const { status, scale, others = [] } = resource.subresources ?? {}
  const verbs = ['get', 'patch', 'update']
  return [
    ...others,
    ...(status ? [{ name: 'status', kind: resource.kind, verbs }] : []),
    ...(scale ? [{ name: 'scale', kind: 'Scale', group: 'autoscaling', version: 'v1', verbs }] : []),
  ].sort((a, b) => compare(a.name, b.name))
}

/** Tells clients when what is stored has changed its version; kinds that are only answered have none. */
export function storageVersionHash({ resource, storageVersion }: Served): string | undefined {
  const verbs = resource.verbs ?? ALL_VERBS
  if (!verbs.includes('get') || !verbs.includes('create')) return undefined
  const text = `${resource.group}/${storageVersion ?? resource.version}/${resource.kind}`
  return createHash('sha256').update(text).digest().subarray(0, 8).toString('base64')
}

export type AggregatedVersion = 'v2' | 'v2beta1'

/** All groups with all their resources in one document: with the core group at `/api`, with the others at `/apis`. */
export function aggregated(groups: readonly Group[], version: AggregatedVersion): object {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map((group) => ({
      metadata: group.name === '' ? {} : { name: group.name },
      versions: group.versions.map((v) => ({
        version: v.version,
        resources: v.remote?.resources ?? v.resources.map((served) => aggregatedResource(served)),
        freshness: v.remote?.stale ? 'Stale' : 'Current',
      })),
    })),
  }
}

function aggregatedResource(served: Served): object {
  const { shown: resource } = served
  const { group, version, kind, shortNames = [], categories = [] } = resource
  const subresources = subresourcesOf(served).map((facts) => ({
    subresource: facts.name,
    responseKind: { group: facts.group ?? group, version: facts.version ?? version, kind: facts.kind },
    verbs: facts.verbs.toSorted(compare),
  }))
  return {
    resource: resource.plural,
    responseKind: { group, version, kind },
    scope: resource.scope,
    singularResource: resource.singular,
    verbs: verbsOf(served),
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  }
}
