// Ingress: lets requests from outside in, to services by host and path.

import type { ObjectWith } from '../../../apimachinery/resource.ts'
import { defineResource } from '../../../apimachinery/resource.ts'
import { ref, required } from '../../../apimachinery/schema.ts'
import { type IngressRule, ingressSpec, ingressStatus } from './fields.ts'
import { ingressViews } from './views.ts'
import { validateIngressSpec, validateIngressStatus } from './validate.ts'

const ingressFields = {
  spec: required(ref(2, ingressSpec, { default: {} })),
  status: ref(3, ingressStatus, { default: {} }),
}
export interface Ingress extends ObjectWith<typeof ingressFields> {}

/** How the class was named before there was a field for it. */
const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'
const MAX_HOSTS_SHOWN = 3

export const ingresses = defineResource({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  scope: 'Namespaced',
  shortNames: ['ing'],
  subresources: { status: true },
  model: 'io.k8s.api.networking.v1.Ingress',
  views: ingressViews,
  fields: ingressFields,
  columns: [
    {
      name: 'Class',
      description: 'The class that serves it.',
      cell: ({ spec }) => spec.ingressClassName ?? '<none>',
    },
    { name: 'Hosts', description: 'The hosts it answers for.', cell: ({ spec }) => hostsText(spec.rules) },
    {
      name: 'Address',
      description: 'Where requests go.',
      cell: ({ status }) => {
        const addresses = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '')
        return [...new Set(addresses.filter((address) => address !== ''))].sort().join(',')
      },
    },
    {
      name: 'Ports',
      description: 'The ports it answers at.',
      cell: ({ spec }) => ((spec.tls ?? []).length > 0 ? '80, 443' : '80'),
    },
  ],
  validate({ metadata, spec }, issues) {
    validateIngressSpec(spec, 'spec', issues)
    const annotation = metadata.annotations?.[CLASS_ANNOTATION]
    const { ingressClassName } = spec
    const isNew = metadata.resourceVersion === undefined
    if (!isNew || annotation === undefined || ingressClassName === undefined || annotation === ingressClassName) return
    const detail = 'must match `ingressClassName` when both are specified'
    issues.invalid(`annotations.${CLASS_ANNOTATION}`, annotation, detail)
  },
  validateStatusUpdate({ status }, _previous, issues) {
    if (status !== undefined) validateIngressStatus(status, 'status', issues)
  },
  warnings({ metadata, spec }, previous) {
    const old = metadata.annotations?.[CLASS_ANNOTATION] !== undefined && spec.ingressClassName === undefined
    if (!old || previous !== undefined) return []
    return [`annotation "${CLASS_ANNOTATION}" is deprecated, please use 'spec.ingressClassName' instead`]
  },
})

/** `a.example.com,b.example.com`; all hosts are `*`. */
function hostsText(rules: readonly IngressRule[] = []): string {
  const hosts: string[] = []
  let more = false
  for (const { host = '' } of rules) {
    more ||= hosts.length === MAX_HOSTS_SHOWN
    if (!more && host !== '') hosts.push(host)
  }
  if (hosts.length === 0) return '*'
  return more ? `${hosts.join(',')} + ${rules.length - MAX_HOSTS_SHOWN} more...` : hosts.join(',')
}
