// APIService: a version of a group of kinds, and who serves it: this server, or a service of the cluster.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { bool, bytes, int32, list, ref, required, string, struct, time } from '../../apimachinery/schema.ts'
import { checkLabel1035, checkPort, checkSubdomain, checkValue } from '../../apimachinery/validation.ts'
import type { Issues } from '../../apimachinery/issues.ts'

const V1 = 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1'

export const serviceReference = struct(`${V1}.ServiceReference`, {
  namespace: string(1),
  name: string(2),
  port: int32(3, { default: 443 }),
})
export interface ServiceReference extends TypeOf<typeof serviceReference> {}

export const apiServiceSpec = struct(`${V1}.APIServiceSpec`, {
  service: ref(1, serviceReference),
  group: string(2),
  version: string(3),
  insecureSkipTLSVerify: bool(4),
  caBundle: bytes(5),
  groupPriorityMinimum: required(int32(7, { default: 0 })),
  versionPriority: required(int32(8, { default: 0 })),
})
export interface APIServiceSpec extends TypeOf<typeof apiServiceSpec> {}

export const apiServiceCondition = struct(`${V1}.APIServiceCondition`, {
  type: required(string(1)),
  status: required(string(2)),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
})
export interface APIServiceCondition extends TypeOf<typeof apiServiceCondition> {}

export const apiServiceStatus = struct(`${V1}.APIServiceStatus`, {
  conditions: list(1, apiServiceCondition, { list: 'map', keys: ['type'], mergeKey: 'type', strategy: 'merge' }),
})
export interface APIServiceStatus extends TypeOf<typeof apiServiceStatus> {}

const apiServiceFields = {
  spec: ref(2, apiServiceSpec, { default: {} }),
  status: ref(3, apiServiceStatus, { default: {} }),
}
export interface APIService extends ObjectWith<typeof apiServiceFields> {}

const STATUSES = ['True', 'False', 'Unknown']

/** `True`, or what is wrong. */
function availability({ status }: APIService): string {
  const available = status?.conditions?.find(({ type }) => type === 'Available')
  if (available === undefined) return 'Unknown'
  const { status: state, reason = '' } = available
  return state === 'True' || reason === '' ? state : `${state} (${reason})`
}

function validateSpec(spec: APIServiceSpec, issues: Issues): void {
  const { group = '', version = '', groupPriorityMinimum: priority, versionPriority, caBundle = '' } = spec
  if (group === '' && version !== 'v1') {
    issues.required('spec.group', 'only v1 may have an empty group and it better be legacy kube')
  }
  if (group !== '') checkValue(group, checkSubdomain, 'spec.group', issues)
  checkValue(version, checkLabel1035, 'spec.version', issues)
  if (priority <= 0 || priority > 20_000) {
    issues.invalid('spec.groupPriorityMinimum', priority, 'must be positive and less than 20000')
  }
  if (versionPriority <= 0 || versionPriority > 1000) {
    issues.invalid('spec.versionPriority', versionPriority, 'must be positive and less than 1000')
  }
  const insecure = spec.insecureSkipTLSVerify === true
  const at = 'spec.insecureSkipTLSVerify'
  if (spec.service === undefined) {
    if (caBundle !== '') {
      issues.invalid('spec.caBundle', `${atob(caBundle).length} bytes`, 'local APIServices may not have a caBundle')
    }
    if (insecure) issues.invalid(at, true, 'local APIServices may not have insecureSkipTLSVerify')
    return
  }
  validateService(spec.service, issues)
  if (insecure && caBundle !== '') issues.invalid(at, true, 'may not be true if caBundle is present')
}

function validateService({ namespace = '', name = '', port = 443 }: ServiceReference, issues: Issues): void {
  if (namespace === '') issues.required('spec.service.namespace')
  if (name === '') issues.required('spec.service.name')
  const problems = checkPort(port)
  if (problems.length > 0) issues.invalid('spec.service.port', port, `port is not valid: ${problems.join(', ')}`)
}

export const apiServices = defineResource({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  scope: 'Cluster',
  categories: ['api-extensions'],
  names: 'path-segment',
  unconditionalUpdate: false,
  generation: false,
  subresources: { status: true },
  model: `${V1}.APIService`,
  views: [{ version: 'v1beta1', deprecated: { since: '1.19', removed: '1.22' } }],
  fields: apiServiceFields,
  // What this server serves itself is there from the start.
  prepareCreate(service) {
    const { spec, metadata } = service
    if (spec?.service !== undefined) return
    const since = metadata.creationTimestamp
    const local = {
      type: 'Available',
      status: 'True',
      ...(since === undefined ? {} : { lastTransitionTime: since }),
      reason: 'Local',
      message: 'Local APIServices are always available',
    }
    service.status = { conditions: [local] }
  },
  // Unlike on other kinds, a change of the status leaves all metadata alone.
  prepareStatusUpdate({ metadata }, previous) {
    for (const field of ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const) {
      const old = previous.metadata[field]
      if (old === undefined) delete metadata[field]
      else Object.assign(metadata, { [field]: old })
    }
  },
  columns: [
    {
      name: 'Service',
      description: 'Who serves it.',
      cell: ({ spec }) =>
        spec?.service === undefined ? 'Local' : `${spec.service.namespace ?? ''}/${spec.service.name ?? ''}`,
    },
    { name: 'Available', description: 'Whether it is served.', cell: availability },
  ],
  validate({ metadata, spec }, issues) {
    const { group = '', version = '' } = spec ?? {}
    const name = `${version}.${group}`
    if (metadata.name !== name) {
      issues.invalid('metadata.name', metadata.name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`)
    }
    if (spec !== undefined) validateSpec(spec, issues)
  },
  validateStatusUpdate({ status }, _previous, issues) {
    status?.conditions?.forEach(({ status: state }, i) => {
      if (state !== undefined && !STATUSES.includes(state)) {
        issues.notSupported(`status.conditions[${i}].status`, state, STATUSES)
      }
    })
  },
})
