// Whether the service behind an APIService could be asked at all, in upstream's reasons and words. Pure; whether it answers is asked afterwards.

import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { APIService, APIServiceCondition } from '../../api/apiregistration/api-service.ts'
import type { Service } from '../../api/core/service/service.ts'
import type { EndpointSlice } from '../../api/discovery/endpoint-slice.ts'
import { SERVICE_PORT } from './backend.ts'

export interface Verdict {
  status: 'True' | 'False' | 'Unknown'
  reason: string
  message: string
}

export const PASSED: Verdict = { status: 'True', reason: 'Passed', message: 'all checks passed' }

export const failedCheck = (message: string): Verdict => ({ status: 'False', reason: 'FailedDiscoveryCheck', message })

/** undefined: nothing stands against asking it. */
export function obstacle(
  { spec }: DeepReadonly<APIService>,
  service: DeepReadonly<Service> | undefined,
  slices: readonly DeepReadonly<EndpointSlice>[],
): Verdict | undefined {
  const { namespace = '', name = '', port = SERVICE_PORT } = spec?.service ?? {}
  const subject = `service/${name} in ${JSON.stringify(namespace)}`
  const not = (reason: string, message: string): Verdict => ({ status: 'False', reason, message })
  if (service === undefined) return not('ServiceNotFound', `${subject} is not present`)
  if ((service.spec.type ?? 'ClusterIP') !== 'ClusterIP') return undefined
  const found = service.spec.ports?.find((candidate) => candidate.port === port)
  if (found === undefined) return not('ServicePortError', `${subject} is not listening on port ${port}`)
  if (slices.length === 0) return not('EndpointsNotFound', `cannot find endpointslices for ${subject}`)
  const portName = found.name ?? ''
  const reachable = slices.some(
    (slice) =>
      slice.ports?.some((candidate) => (candidate.name ?? '') === portName) &&
      slice.endpoints?.some(({ addresses, conditions }) => addresses.length > 0 && conditions?.ready !== false),
  )
  if (reachable) return undefined
  const message = `endpointslices for ${subject} have no addresses with port name ${JSON.stringify(portName)}`
  return not('MissingEndpoints', message)
}

export function isAvailable({ status }: DeepReadonly<APIService>): boolean {
  return status?.conditions?.some(({ type, status: state }) => type === 'Available' && state === 'True') ?? false
}

/** The conditions with the verdict among them; undefined: it is there already. */
export function conditionsWith(
  { status }: DeepReadonly<APIService>,
  verdict: Verdict,
  now: string,
): DeepReadonly<APIServiceCondition>[] | undefined {
  const conditions = status?.conditions ?? []
  const known = conditions.find(({ type }) => type === 'Available')
  if (known?.status === verdict.status && known.reason === verdict.reason && known.message === verdict.message)
    return undefined
  const since = known?.status === verdict.status ? known.lastTransitionTime : undefined
  const others = conditions.filter((condition) => condition !== known)
  return [...others, { type: 'Available', ...verdict, lastTransitionTime: since ?? now }]
}
