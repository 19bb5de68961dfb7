// The ServiceCIDR `kubernetes`: the range of the server's own flag, made when it is missing and left as it is otherwise.

import { rfc3339, type Clock } from '../../base/clock.ts'
import * as errors from '../../apimachinery/errors.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { type ServiceCIDR, serviceCIDRs } from '../../api/networking/service-cidr.ts'
import type { Logger } from '../../base/log.ts'
import type { Client } from '../../client/client.ts'

export const DEFAULT_SERVICE_CIDR = 'kubernetes'
const FIELD_MANAGER = 'kubernetes-service-cidr-controller'

export interface DefaultServiceCIDROptions {
  client: Client
  clock: Clock
  log: Logger
  cidr: string
  /** As the cache has it. */
  find(): DeepReadonly<ServiceCIDR> | undefined
}

export async function ensureDefaultServiceCIDR(options: DefaultServiceCIDROptions): Promise<void> {
  const { client, log, cidr, find } = options
  const { apiVersion, kind } = serviceCIDRs
  const metadata = { name: DEFAULT_SERVICE_CIDR }
  if (find() === undefined)
    try {
      await client.create(serviceCIDRs, { apiVersion, kind, metadata, spec: { cidrs: [cidr] } })
    } catch (error) {
      if (!errors.isAlreadyExists(error)) throw error
    }
  const present = await client.get(serviceCIDRs, metadata)
  if (present.metadata.deletionTimestamp !== undefined) return
  const { cidrs = [] } = present.spec
  if (cidrs.length !== 1 || cidrs[0] !== cidr) {
    log.error('The default ServiceCIDR is not of the range that this server is started with', { cidrs, cidr })
    return
  }
  const ready = present.status?.conditions?.find(({ type }) => type === 'Ready')
  // Somebody who says that it is not ready will have a reason.
  if (ready !== undefined && ready.status !== 'Unknown') return
  const condition = {
    type: 'Ready',
    status: 'True',
    reason: '',
    message: 'Kubernetes default Service CIDR is ready',
    lastTransitionTime: rfc3339(options.clock.now()),
  }
  const body = { apiVersion, kind, metadata, status: { conditions: [condition] } }
  const how = { subresource: 'status', fieldManager: FIELD_MANAGER }
  try {
    await client.patch(serviceCIDRs, metadata, { type: 'apply', force: true, body }, how)
  } catch (error) {
    // Another server that starts now says the same.
    if (!errors.isConflict(error)) throw error
  }
}
