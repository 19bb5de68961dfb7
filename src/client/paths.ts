// The paths and queries of the API, for either door.

import type { ObjectKey } from '../apimachinery/metadata.ts'
import type { Resource } from '../apimachinery/resource.ts'
import type { DeleteOptions, ListOptions, Patch, WatchOptions, WriteOptions } from './client.ts'

/** What a path needs to know of a resource. */
export type ResourcePath = Pick<Resource, 'group' | 'version' | 'plural' | 'scope'>

export function collectionPath({ group, version, plural, scope }: ResourcePath, namespace: string | undefined): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  if (scope === 'Cluster' || namespace === undefined) return `${root}/${plural}`
  return `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`
}

export function objectPath(resource: ResourcePath, key: ObjectKey, subresource?: string): string {
  const path = `${collectionPath(resource, key.namespace)}/${encodeURIComponent(key.name)}`
  return subresource ? `${path}/${subresource}` : path
}

export function listQuery(options: ListOptions): URLSearchParams {
  return query({
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    limit: options.limit,
    continue: options.continue,
    resourceVersion: options.resourceVersion,
  })
}

export function watchQuery(options: WatchOptions): URLSearchParams {
  return query({
    watch: true,
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    resourceVersion: options.resourceVersion,
    allowWatchBookmarks: options.allowWatchBookmarks,
    timeoutSeconds: options.timeoutSeconds,
    ...(options.sendInitialEvents ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' } : {}),
  })
}

export function writeQuery(options: WriteOptions): URLSearchParams {
  return query({ dryRun: options.dryRun ? 'All' : undefined, fieldManager: options.fieldManager })
}

export function deleteBody(options: DeleteOptions): object {
  const { gracePeriodSeconds, propagationPolicy, preconditions, dryRun } = options
  return {
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(preconditions === undefined ? {} : { preconditions }),
    ...(dryRun ? { dryRun: ['All'] } : {}),
  }
}

export const PATCH_CONTENT_TYPES: Readonly<Record<Patch['type'], string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
}

function query(values: Readonly<Record<string, string | number | boolean | undefined>>): URLSearchParams {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) if (value !== undefined) parameters.set(name, String(value))
  return parameters
}
