// ComponentStatuses: how the parts of the control plane are, looked up when somebody asks.

import type { Clock } from '../base/clock.ts'
import * as errors from '../apimachinery/errors.ts'
import { serialize } from '../apimachinery/serialize.ts'
import type { ComponentStatus } from '../api/core/component-status.ts'
import type { Lease } from '../api/coordination/lease.ts'
import { StoredObject } from './cache/stored.ts'
import type { Check } from './health/health.ts'
import type { Registry } from './registry/registry.ts'
import { selectionOf } from './registry/selection.ts'
import type { Served } from './registry/served.ts'
import { listResponse, objectResponse } from './responses.ts'
import { formOf } from './rest.ts'
import type { SubresourceHandler } from './server.ts'

export interface ComponentsOptions {
  registry: Registry
  clock: Clock
  /** Does this process run the loop that goes by this name of its Lease? */
  runs: (name: string) => boolean
}

/** Upstream's names, and the Leases of those that are loops. */
const LOOPS: Readonly<Record<string, string>> = {
  scheduler: 'kube-scheduler',
  'controller-manager': 'kube-controller-manager',
}

export function componentStatuses(options: ComponentsOptions): SubresourceHandler {
  const checks: Record<string, Check> = {}
  for (const [name, lease] of Object.entries(LOOPS)) checks[name] = () => whyNotLed(options, lease)
  // The store is asked by the request itself, which would not have come this far without it.
  checks['etcd-0'] = () => undefined
  return async (call) => {
    const { core, served, context, request } = call
    const form = formOf(call)
    const { revision } = core.store
    const { name, verb } = context.info
    if (verb === 'get') {
      const check = Object.hasOwn(checks, name) ? checks[name] : undefined
      if (!check) throw errors.notFound(served.resource, name)
      warn(call)
      return objectResponse(served, stored(served, statusOf(name, check), revision), 200, form)
    }
    if (verb !== 'list') throw errors.methodNotSupported(served.resource, verb)
    warn(call)
    const { selection } = selectionOf(served, request.query, context)
    const items = Object.entries(checks)
      .filter(([name]) => selection.name === undefined || selection.name === name)
      .map(([name, check]) => stored(served, statusOf(name, check), revision))
      .filter((item) => selection.matches?.(item) ?? true)
    return listResponse(served, { items, revision, next: undefined, remaining: undefined }, form)
  }
}

function warn({ served, context }: Parameters<SubresourceHandler>[0]): void {
  const { deprecation } = served.resource
  if (deprecation) context.warnings.push(deprecation)
}

/** undefined: somebody does this work, here or in another process of the cluster. */
function whyNotLed({ registry, clock, runs }: ComponentsOptions, name: string): string | undefined {
  if (runs(name)) return undefined
  const cache = registry.get('coordination.k8s.io', 'v1', 'leases')?.cache
  const lease = cache?.get(`${cache.prefix}kube-system/${name}`)?.object as Lease | undefined
  const { holderIdentity, renewTime, leaseDurationSeconds = 0 } = lease?.spec ?? {}
  if (!holderIdentity || !renewTime) return `nobody holds the lease kube-system/${name}`
  const until = Date.parse(renewTime) + leaseDurationSeconds * 1000
  return until >= clock.now()
    ? undefined
    : `${holderIdentity} has not renewed the lease kube-system/${name} since ${renewTime}`
}

function statusOf(name: string, check: Check): Pick<ComponentStatus, 'metadata' | 'conditions'> {
  const error = check()
  const health = error === undefined ? { status: 'True', message: 'ok' } : { status: 'False', error }
  return { metadata: { name }, conditions: [{ type: 'Healthy', ...health }] }
}

function stored(
  { resource, cache }: Served,
  object: Pick<ComponentStatus, 'metadata'>,
  revision: number,
): StoredObject {
  return StoredObject.fromStore(cache.prefix + object.metadata.name, revision, serialize(resource, object))
}
