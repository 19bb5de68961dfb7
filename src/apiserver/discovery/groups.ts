// Which group versions a set of served resources makes, in the order that clients prefer them.

import type { RemoteVersion } from '../aggregation/aggregation.ts'
import type { Served } from '../registry/served.ts'

/** Upstream's GroupPriorityMinimum: groups come in this order, higher first, then by name. */
const PRIORITIES: Readonly<Record<string, number>> = {
  'apiregistration.k8s.io': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'admissionregistration.k8s.io': 16_700,
  'apiextensions.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
  'resource.k8s.io': 16_000,
  // Only old versions of what other groups have: nobody should find them first.
  extensions: 15_000,
}
/** Where the groups of custom resources stand. */
const CUSTOM_PRIORITY = 1000

export interface GroupVersion {
  version: string
  /** By plural. */
  resources: readonly Served[]
  /** Served by somebody else, who says so. */
  remote?: RemoteVersion
}

export interface Group {
  /** `''` for the core group. */
  name: string
  /** The preferred one first. */
  versions: readonly GroupVersion[]
}

/** The groups in upstream's order; the core group, if there, is the first. */
export function groupsOf(all: Iterable<Served>): Group[] {
  const groups = new Map<string, Map<string, Served[]>>()
  for (const served of all) {
    const { group, version } = served.shown
    const versions = groups.get(group) ?? new Map<string, Served[]>()
    groups.set(group, versions)
    const resources = versions.get(version) ?? []
    versions.set(version, resources)
    resources.push(served)
  }
  return [...groups]
    .map(([name, versions]) => ({ name, versions: inOrder(versions) }))
    .sort((a, b) => priorityOf(b.name) - priorityOf(a.name) || compare(a.name, b.name))
}

/** The same with what services of the cluster serve: a version of theirs takes the place of one of ours, groups and versions come by their priorities. */
export function withRemote(own: readonly Group[], remote: readonly RemoteVersion[]): Group[] {
  if (remote.length === 0) return [...own]
  const priorities = new Map(own.map(({ name }) => [name, priorityOf(name)]))
  const groups = new Map(own.map(({ name, versions }) => [name, [...versions]]))
  for (const entry of remote) {
    const { group, version, groupPriority } = entry
    const others = (groups.get(group) ?? []).filter((v) => v.version !== version)
    groups.set(group, [...others, { version, resources: [], remote: entry }])
    priorities.set(group, Math.max(priorities.get(group) ?? 0, groupPriority))
  }
  const priority = (name: string): number => priorities.get(name) ?? 0
  // Of our own versions only the order is known: they keep it.
  const versionPriority = (v: GroupVersion): number => v.remote?.versionPriority ?? OWN_VERSION_PRIORITY
  return [...groups]
    .map(([name, versions]) => ({
      name,
      versions: versions.sort(
        (a, b) => versionPriority(b) - versionPriority(a) || compareVersions(a.version, b.version),
      ),
    }))
    .sort((a, b) => priority(b.name) - priority(a.name) || compare(a.name, b.name))
}

const OWN_VERSION_PRIORITY = 15

function inOrder(versions: ReadonlyMap<string, Served[]>): GroupVersion[] {
  return [...versions]
    .sort(([a], [b]) => compareVersions(a, b))
    .map(([version, resources]) => ({
      version,
      resources: resources.sort((a, b) => compare(a.shown.plural, b.shown.plural)),
    }))
}

export function priorityOf(group: string): number {
  return group === '' ? Number.POSITIVE_INFINITY : (PRIORITIES[group] ?? CUSTOM_PRIORITY)
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

const KUBE_VERSION = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/
const STAGES: Readonly<Record<string, number>> = { alpha: 0, beta: 1 }

/** Preferred first: stable before beta before alpha, higher before lower; names that are no versions last, by name. */
export function compareVersions(a: string, b: string): number {
  const left = KUBE_VERSION.exec(a)
  const right = KUBE_VERSION.exec(b)
  if (!left || !right) return left ? -1 : right ? 1 : compare(a, b)
  const stage = (match: RegExpExecArray): number => STAGES[match[2] ?? ''] ?? 2
  return (
    stage(right) - stage(left) || Number(right[1]) - Number(left[1]) || Number(right[3] ?? 0) - Number(left[3] ?? 0)
  )
}
