// The row of a service in `kubectl get services`.

import type { Column } from '../../../apimachinery/resource.ts'
import { labelsText } from '../../columns.ts'
import type { ServicePort } from './fields.ts'
import type { Service } from './service.ts'

export const serviceColumns: readonly Column<Service>[] = [
  { name: 'Type', description: 'How the service is reached.', cell: ({ spec }) => spec.type ?? 'ClusterIP' },
  {
    name: 'Cluster-IP',
    description: 'The address inside the cluster.',
    cell: ({ spec }) => spec.clusterIPs?.[0] ?? (spec.clusterIP || '<none>'),
  },
  { name: 'External-IP', description: 'The addresses seen from outside.', cell: externalIP },
  {
    name: 'Port(s)',
    description: 'The ports, with those on every node.',
    cell: ({ spec }) => (spec.ports ?? []).map(portText).join(',') || '<none>',
  },
]

export const serviceWideColumns: readonly Column<Service>[] = [
  {
    name: 'Selector',
    priority: 1,
    description: 'The labels of the pods behind the service.',
    cell: ({ spec }) => labelsText(spec.selector),
  },
]

function portText({ port, protocol = 'TCP', nodePort = 0 }: ServicePort): string {
  return nodePort > 0 ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`
}

function externalIP({ spec, status }: Service): string {
  const { externalIPs = [] } = spec
  switch (spec.type) {
    case 'ExternalName':
      return spec.externalName ?? ''
    case 'LoadBalancer': {
      const ingress = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '')
      const balanced = [...new Set(ingress.filter((address) => address !== ''))].sort().join(',')
      if (externalIPs.length > 0) return [...(balanced === '' ? [] : [balanced]), ...externalIPs].join(',')
      return balanced || '<pending>'
    }
    default:
      return externalIPs.join(',') || '<none>'
  }
}
