// IngressClass: who serves the ingresses that name it, and with which parameters.

import type { Issues } from '../../apimachinery/issues.ts'
import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { oneOf, ref, required, string, struct } from '../../apimachinery/schema.ts'
import { checkLabel, checkValue, validateImmutable } from '../../apimachinery/validation.ts'
import { validateDomainPrefixedPath } from '../domain-prefixed-path.ts'
import { validateTypedReference } from './ingress/validate.ts'

export const ingressClassParametersReference = struct('io.k8s.api.networking.v1.IngressClassParametersReference', {
  apiGroup: string(1),
  kind: required(string(2, { unchecked: true })),
  name: required(string(3, { unchecked: true })),
  scope: oneOf(4, ['Cluster', 'Namespace'], { default: 'Cluster' }),
  namespace: string(5),
})
export interface IngressClassParametersReference extends TypeOf<typeof ingressClassParametersReference> {}

export const ingressClassSpec = struct('io.k8s.api.networking.v1.IngressClassSpec', {
  controller: string(1),
  parameters: ref(2, ingressClassParametersReference),
})
export interface IngressClassSpec extends TypeOf<typeof ingressClassSpec> {}

const ingressClassFields = { spec: required(ref(2, ingressClassSpec, { default: {} })) }
export interface IngressClass extends ObjectWith<typeof ingressClassFields> {}

const MAX_CONTROLLER_BYTES = 250

export const ingressClasses = defineResource({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  scope: 'Cluster',
  generation: true,
  model: 'io.k8s.api.networking.v1.IngressClass',
  views: [{ version: 'v1beta1', deprecated: { since: '1.19', removed: '1.22' } }],
  fields: ingressClassFields,
  columns: [
    { name: 'Controller', description: 'Who serves the class.', cell: ({ spec }) => spec.controller ?? '' },
    {
      name: 'Parameters',
      description: 'What holds the settings of the class.',
      cell: ({ spec: { parameters } }) => {
        if (parameters === undefined) return '<none>'
        const { apiGroup, kind = '', name = '' } = parameters
        return `${kind}${apiGroup === undefined ? '' : `.${apiGroup}`}/${name}`
      },
    },
  ],
  validate({ spec: { controller = '', parameters } }, issues) {
    if (controller.length > MAX_CONTROLLER_BYTES) issues.tooLong('spec.controller', MAX_CONTROLLER_BYTES)
    validateDomainPrefixedPath(controller, 'spec.controller', issues)
    if (parameters !== undefined) validateParameters(parameters, 'spec.parameters', issues)
  },
  validateUpdate(next, previous, issues) {
    validateImmutable(next.spec.controller, previous.spec.controller, 'spec.controller', issues)
  },
})

function validateParameters(parameters: IngressClassParametersReference, at: string, issues: Issues): void {
  validateTypedReference(parameters, at, issues)
  const { scope, namespace } = parameters
  if (scope === 'Namespace') {
    if (namespace === undefined) {
      issues.required(`${at}.namespace`, "`parameters.scope` is set to 'Namespace'")
    } else checkValue(namespace, checkLabel, `${at}.namespace`, issues)
  } else if (scope === 'Cluster' && namespace !== undefined) {
    issues.forbidden(`${at}.namespace`, "`parameters.scope` is set to 'Cluster'")
  }
}
