// Says that ServiceCIDRs are ready, and lets one that is deleted go only when no address depends on it any more.

import { rfc3339 } from '../../base/clock.ts'
import { isNotFound } from '../../apimachinery/errors.ts'
import type { ObjectKey } from '../../apimachinery/metadata.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { isStrictSubset, parseCIDR } from '../../api/core/cidr.ts'
import { type IPAddress, ipAddresses } from '../../api/networking/ip-address.ts'
import { type ServiceCIDR, serviceCIDRs } from '../../api/networking/service-cidr.ts'
import { defineController, type ReconcileContext, watches } from '../controller.ts'

export const FINALIZER = 'networking.k8s.io/service-cidr-finalizer'
/** Servers may not have heard of the deletion yet, and still take addresses: they get this long. */
export const DELETION_GRACE_MS = 10_000

const MANAGED_BY = 'ipaddress.kubernetes.io/managed-by'
const ALLOCATOR = 'ipallocator.k8s.io'

type Range = DeepReadonly<ServiceCIDR>

export const serviceCIDRController = defineController({
  name: 'service-cidr-controller',
  for: serviceCIDRs,
  watches: [
    // What comes or goes may hold, or let go, what is inside of it.
    watches({
      resource: serviceCIDRs,
      toKeys: (changed, cache) => cache.list(serviceCIDRs).filter(isGoing).filter(isOther(changed)).map(keyOf),
    }),
    watches({
      resource: ipAddresses,
      toKeys: (address, cache) =>
        cache
          .list(serviceCIDRs)
          .filter((range) => isGoing(range) && contains(range, address))
          .map(keyOf),
    }),
  ],
  async reconcile(context, key) {
    const { cache, clock } = context
    const range = cache.get(serviceCIDRs, key)
    if (range === undefined) return undefined
    const verdict = decide(range, {
      others: cache.list(serviceCIDRs).filter(isOther(range)),
      addresses: cache.list(ipAddresses).filter(({ metadata }) => metadata.labels?.[MANAGED_BY] === ALLOCATOR),
      nowMs: clock.now(),
    })
    if (verdict.waitMs !== undefined) return { after: verdict.waitMs }
    try {
      await act(context, range, verdict)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
    return undefined
  },
})

const keyOf = ({ metadata }: Range): ObjectKey => ({ name: metadata.name })
const isGoing = ({ metadata }: Range): boolean => metadata.deletionTimestamp !== undefined
const isOther =
  ({ metadata: { name } }: Range) =>
  ({ metadata }: Range): boolean =>
    metadata.name !== name

export interface Verdict {
  waitMs?: number
  finalizers?: readonly string[]
  ready?: { status: 'True' | 'False'; reason: string; message: string }
}

const READY = { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' } as const
const TERMINATING = {
  status: 'False',
  reason: 'Terminating',
  message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
} as const

/** What there is to be said and done about a range. Pure. */
export function decide(
  range: Range,
  state: { others: readonly Range[]; addresses: readonly DeepReadonly<IPAddress>[]; nowMs: number },
): Verdict {
  const { deletionTimestamp, finalizers = [] } = range.metadata
  const said = range.status?.conditions?.find(({ type }) => type === 'Ready')?.status
  if (deletionTimestamp === undefined)
    return {
      ...(finalizers.includes(FINALIZER) ? {} : { finalizers: [...finalizers, FINALIZER] }),
      ...(said === READY.status ? {} : { ready: READY }),
    }
  if (!finalizers.includes(FINALIZER)) return {}
  // Those that go themselves hold nothing.
  const staying = state.others.filter((other) => !isGoing(other))
  const isInside = (range.spec.cidrs ?? []).every((cidr) => staying.some((other) => covers(other, cidr)))
  const orphans = (address: DeepReadonly<IPAddress>): boolean =>
    contains(range, address) && !staying.some((other) => contains(other, address))
  if (!isInside && state.addresses.some(orphans)) return said === TERMINATING.status ? {} : { ready: TERMINATING }
  const waitMs = Date.parse(deletionTimestamp) + DELETION_GRACE_MS - state.nowMs
  if (waitMs > 0) return { waitMs }
  return { finalizers: finalizers.filter((name) => name !== FINALIZER) }
}

const contains = (range: Range, { metadata: { name } }: DeepReadonly<IPAddress>): boolean =>
  covers(range, `${name}/${name.includes(':') ? 128 : 32}`)

/** Whether a range has all of another. */
function covers({ spec }: Range, cidr: string): boolean {
  const inner = parseCIDR(cidr)
  return (spec.cidrs ?? []).some((text) => {
    const outer = parseCIDR(text)
    return text === cidr || (inner !== undefined && outer !== undefined && isStrictSubset(inner, outer))
  })
}

async function act({ api, clock, signal }: ReconcileContext, range: Range, verdict: Verdict): Promise<void> {
  const { name, resourceVersion } = range.metadata
  const { finalizers, ready } = verdict
  if (finalizers !== undefined) {
    const body = { metadata: { resourceVersion, finalizers } }
    await api.patch(serviceCIDRs, { name }, { type: 'merge', body }, { signal })
  }
  if (ready !== undefined) {
    const { apiVersion, kind } = serviceCIDRs
    const condition = { type: 'Ready', ...ready, lastTransitionTime: rfc3339(clock.now()) }
    const body = { apiVersion, kind, metadata: { name }, status: { conditions: [condition] } }
    const how = { subresource: 'status', fieldManager: 'service-cidr-controller', signal }
    await api.patch(serviceCIDRs, { name }, { type: 'apply', force: true, body }, how)
  }
}
