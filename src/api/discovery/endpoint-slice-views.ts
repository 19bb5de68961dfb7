// EndpointSlice in its beta: zone and node of an endpoint are labels of its topology.

import type { AnyObject } from '../../apimachinery/metadata.ts'
import { isObject, type JsonObject } from '../../apimachinery/objects.ts'
import { list, mapOf, ref, string, type Struct } from '../../apimachinery/schema.ts'
import { type View, variantOf } from '../../apimachinery/view.ts'

const ZONE = 'topology.kubernetes.io/zone'
const HOSTNAME = 'kubernetes.io/hostname'

function endpointsOf({ endpoints }: AnyObject): JsonObject[] {
  return Array.isArray(endpoints) ? endpoints.filter(isObject) : []
}

function endpointToHub(endpoint: JsonObject): void {
  const { topology } = endpoint
  delete endpoint['topology']
  if (!isObject(topology)) return
  const { [ZONE]: zone, ...rest } = topology
  if (zone !== undefined) endpoint['zone'] = zone
  // The node is not said twice; but the beta could name another one here, and still can.
  if (rest[HOSTNAME] === endpoint['nodeName']) delete rest[HOSTNAME]
  if (Object.keys(rest).length > 0) endpoint['deprecatedTopology'] = rest
}

function endpointFromHub(endpoint: JsonObject): void {
  const { deprecatedTopology: kept, zone, nodeName } = endpoint
  delete endpoint['deprecatedTopology']
  delete endpoint['zone']
  const topology = {
    ...(nodeName === undefined ? {} : { [HOSTNAME]: nodeName }),
    ...(isObject(kept) ? kept : {}),
    ...(zone === undefined ? {} : { [ZONE]: zone }),
  }
  if (Object.keys(topology).length > 0) endpoint['topology'] = topology
}

export const endpointSliceViews = (endpoint: Struct, hints: Struct): readonly View[] => [
  {
    version: 'v1beta1',
    deprecated: { since: '1.21', removed: '1.25' },
    fields: {
      endpoints: list(
        2,
        variantOf(endpoint, 'io.k8s.api.discovery.v1beta1.Endpoint', {
          topology: mapOf(5, string(), { nilable: false }),
          nodeName: string(6, { nilable: true }),
          hints: ref(7, hints),
          deprecatedTopology: null,
          zone: null,
        }),
        { list: 'atomic', nilable: false },
      ),
    },
    toHub(slice) {
      endpointsOf(slice).forEach(endpointToHub)
    },
    fromHub(slice) {
      endpointsOf(slice).forEach(endpointFromHub)
    },
  },
]
