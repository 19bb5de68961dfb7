// The versions of Ingress from before networking.k8s.io/v1: a backend is a service's name and port, and a path need not say how it matches.

import type { AnyObject } from '../../../apimachinery/metadata.ts'
import { isObject, type JsonObject } from '../../../apimachinery/objects.ts'
import { intOrString, list, ref, required, string, struct } from '../../../apimachinery/schema.ts'
import type { View } from '../../../apimachinery/view.ts'
import { typedLocalObjectReference } from '../../core/references.ts'
import { ingressTLS } from './fields.ts'

function oldSpec(version: string) {
  const name = (kind: string): string => `io.k8s.api.${version}.${kind}`
  const backend = struct(name('IngressBackend'), {
    serviceName: string(1, { nilable: false }),
    servicePort: intOrString(2),
    resource: ref(3, typedLocalObjectReference),
  })
  const path = struct(name('HTTPIngressPath'), {
    path: string(1, { nilable: false }),
    pathType: string(3, { nilable: true }),
    backend: required(ref(2, backend)),
  })
  const paths = struct(name('HTTPIngressRuleValue'), { paths: required(list(1, path, { list: 'atomic' })) })
  const rule = struct(name('IngressRule'), { host: string(1, { nilable: false }), http: ref(1, paths) })
  return struct(name('IngressSpec'), {
    ingressClassName: string(4, { nilable: true }),
    backend: ref(1, backend),
    tls: list(2, ingressTLS, { list: 'atomic', nilable: false }),
    rules: list(3, rule, { list: 'atomic', nilable: false }),
  })
}

function objectsIn(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

function pathsOf(spec: JsonObject): JsonObject[] {
  return objectsIn(spec['rules']).flatMap(({ http }) => (isObject(http) ? objectsIn(http['paths']) : []))
}

function backendToHub(backend: unknown): void {
  if (!isObject(backend)) return
  const { serviceName, servicePort } = backend
  delete backend['serviceName']
  delete backend['servicePort']
  if (serviceName === undefined && (servicePort === undefined || servicePort === 0)) return
  backend['service'] = {
    ...(serviceName === undefined ? {} : { name: serviceName }),
    ...(servicePort === undefined
      ? {}
      : { port: typeof servicePort === 'string' ? { name: servicePort } : { number: servicePort } }),
  }
}

function backendFromHub(backend: unknown): void {
  if (!isObject(backend) || !isObject(backend['service'])) return
  const { name, port } = backend['service']
  delete backend['service']
  if (name !== undefined && name !== '') backend['serviceName'] = name
  if (isObject(port)) backend['servicePort'] = port['name'] ?? port['number'] ?? 0
}

function toHub({ spec }: AnyObject): void {
  if (!isObject(spec)) return
  if (spec['backend'] !== undefined) {
    spec['defaultBackend'] = spec['backend']
    delete spec['backend']
    backendToHub(spec['defaultBackend'])
  }
  for (const path of pathsOf(spec)) backendToHub(path['backend'])
}

function fromHub({ spec }: AnyObject): void {
  if (!isObject(spec)) return
  if (spec['defaultBackend'] !== undefined) {
    spec['backend'] = spec['defaultBackend']
    delete spec['defaultBackend']
    backendFromHub(spec['backend'])
  }
  for (const path of pathsOf(spec)) backendFromHub(path['backend'])
}

function defaults({ spec }: AnyObject): void {
  if (isObject(spec)) for (const path of pathsOf(spec)) path['pathType'] ??= 'ImplementationSpecific'
}

/** `spec.defaultBackend.service.port.number` is `spec.backend.servicePort` here. */
function fieldName(path: string): string {
  return path
    .replace(/^spec\.defaultBackend\b/, 'spec.backend')
    .replace(/\.service\.name$/, '.serviceName')
    .replace(/\.service\.port(\.\w+)?$/, '.servicePort')
}

const shared = { defaults, toHub, fromHub, fieldName }
const spec = (version: string) => ({ spec: required(ref(2, oldSpec(version), { default: {} })) })

export const ingressViews: readonly View[] = [
  {
    version: 'v1beta1',
    deprecated: { since: '1.19', removed: '1.22' },
    fields: spec('networking.v1beta1'),
    ...shared,
  },
  {
    group: 'extensions',
    version: 'v1beta1',
    deprecated: { since: '1.14', removed: '1.22' },
    fields: spec('extensions.v1beta1'),
    ...shared,
  },
]
