// What the fields of a service cannot say for themselves, and what may not change.

import type { Issues } from '../../../apimachinery/issues.ts'
import {
  checkLabel,
  checkPort,
  checkQualifiedName,
  checkSubdomain,
  checkValue,
  validateLabels,
} from '../../../apimachinery/validation.ts'
import { checkIP } from '../ip.ts'
import { validatePortReference } from '../pod/validate-containers.ts'
import type { ServicePort, ServiceSpec } from './fields.ts'
import type { Service } from './service.ts'

/** A load balancer asks a port of each node whether pods are on it. */
const isChecked = ({ type, externalTrafficPolicy }: ServiceSpec): boolean =>
  type === 'LoadBalancer' && externalTrafficPolicy === 'Local'

const isHeadless = (spec: ServiceSpec): boolean => (spec.clusterIPs?.[0] ?? spec.clusterIP) === 'None'

export function validateService({ spec }: Service, issues: Issues): void {
  const { ports = [], type = 'ClusterIP', externalName = '', externalIPs = [] } = spec
  if (ports.length === 0 && !isHeadless(spec) && type !== 'ExternalName') issues.required('spec.ports')
  if ((type === 'LoadBalancer' || type === 'NodePort') && isHeadless(spec)) {
    issues.invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${type} services`)
  }
  if (type === 'ExternalName') {
    if ((spec.clusterIPs ?? []).length > 0 || (spec.clusterIP ?? '') !== '') {
      issues.forbidden('spec.clusterIPs', 'may not be set for ExternalName services')
    }
    if (externalName === '') issues.required('spec.externalName')
    else checkValue(externalName.replace(/\.$/, ''), checkSubdomain, 'spec.externalName', issues)
  }
  validateServicePorts(spec, ports, issues)
  validateLabels(spec.selector, 'spec.selector', issues)
  externalIPs.forEach((ip, i) => {
    checkValue(ip, checkIP, `spec.externalIPs[${i}]`, issues)
  })
  validateClusterIPs(spec, issues)
  const external = type === 'NodePort' || type === 'LoadBalancer' || (type === 'ClusterIP' && externalIPs.length > 0)
  if (spec.externalTrafficPolicy !== undefined && !external) {
    issues.invalid(
      'spec.externalTrafficPolicy',
      spec.externalTrafficPolicy,
      'may only be set for externally-accessible services',
    )
  }
  if (spec.healthCheckNodePort && !isChecked(spec)) {
    const why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
    issues.invalid('spec.healthCheckNodePort', spec.healthCheckNodePort, why)
  }
  const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds
  if (timeout !== undefined && (timeout <= 0 || timeout > 86_400)) {
    issues.invalid(
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds',
      timeout,
      'must be greater than 0 and less than 86400',
    )
  }
}

function validateClusterIPs({ clusterIP, clusterIPs = [] }: ServiceSpec, issues: Issues): void {
  const [primary] = clusterIPs
  if (primary !== undefined && clusterIP !== undefined && primary !== clusterIP) {
    issues.invalid('spec.clusterIPs[0]', clusterIPs, 'first value must match `clusterIP`')
  }
  clusterIPs.forEach((ip, i) => {
    if (ip === 'None') {
      if (clusterIPs.length > 1) {
        issues.invalid('spec.clusterIPs', clusterIPs, "'None' must be the first and only value")
      }
    } else checkValue(ip, checkIP, `spec.clusterIPs[${i}]`, issues)
  })
}

function validateServicePorts(spec: ServiceSpec, ports: readonly ServicePort[], issues: Issues): void {
  const names = new Set<string>()
  const pairs = new Set<string>()
  const nodePorts = new Set<string>()
  ports.forEach((servicePort, i) => {
    const here = `spec.ports[${i}]`
    const { name = '', port, protocol = 'TCP', nodePort = 0, appProtocol } = servicePort
    if (name === '') {
      if (ports.length > 1) issues.required(`${here}.name`)
    } else {
      checkValue(name, checkLabel, `${here}.name`, issues)
      if (names.has(name)) issues.duplicate(`${here}.name`, name)
      names.add(name)
    }
    for (const problem of checkPort(port)) issues.invalid(`${here}.port`, port, problem)
    validatePortReference(servicePort.targetPort, `${here}.targetPort`, issues)
    if (appProtocol !== undefined) checkValue(appProtocol, checkQualifiedName, `${here}.appProtocol`, issues)
    if (pairs.has(`${port}/${protocol}`)) issues.duplicate(here, { port, protocol })
    pairs.add(`${port}/${protocol}`)
    if (nodePort === 0) return
    if (spec.type === 'ClusterIP') issues.forbidden(`${here}.nodePort`, "may not be used when `type` is 'ClusterIP'")
    if (nodePorts.has(`${nodePort}/${protocol}`)) issues.duplicate(`${here}.nodePort`, { nodePort, protocol })
    nodePorts.add(`${nodePort}/${protocol}`)
  })
}

/** What the server gave out stays, unless the client says otherwise. */
export function keepAllocated({ spec: next }: Service, { spec: previous }: Service): void {
  const addressed = next.type !== 'ExternalName' && previous.type !== 'ExternalName'
  if (addressed && (next.clusterIP ?? '') === '' && (next.clusterIPs ?? []).length === 0) {
    if (previous.clusterIP !== undefined) next.clusterIP = previous.clusterIP
    if (previous.clusterIPs !== undefined) next.clusterIPs = [...previous.clusterIPs]
  }
  if (addressed) {
    if (previous.ipFamilies !== undefined) next.ipFamilies ??= [...previous.ipFamilies]
    if (previous.ipFamilyPolicy !== undefined) next.ipFamilyPolicy ??= previous.ipFamilyPolicy
    const [only] = next.clusterIPs ?? []
    if (only === undefined && (next.clusterIP ?? '') !== '') next.clusterIPs = [next.clusterIP ?? '']
  }
  if (next.type !== previous.type && next.type === 'ExternalName') dropAddresses(next, previous)
  const onNodes = (spec: ServiceSpec): boolean => spec.type === 'NodePort' || spec.type === 'LoadBalancer'
  for (const port of next.ports ?? []) {
    const old = previous.ports?.find((p) => p.port === port.port && p.protocol === port.protocol)
    if (onNodes(next) && onNodes(previous)) {
      if ((port.nodePort ?? 0) === 0 && old?.nodePort !== undefined) port.nodePort = old.nodePort
    } else if (!onNodes(next) && onNodes(previous) && port.nodePort === old?.nodePort) delete port.nodePort
  }
  if (isChecked(previous) && !isChecked(next)) {
    if (next.healthCheckNodePort === previous.healthCheckNodePort) delete next.healthCheckNodePort
  } else if (isChecked(previous) && !next.healthCheckNodePort && previous.healthCheckNodePort)
    next.healthCheckNodePort = previous.healthCheckNodePort
  if (
    !onNodes(next) &&
    next.externalTrafficPolicy === previous.externalTrafficPolicy &&
    !(next.externalIPs ?? []).length
  )
    delete next.externalTrafficPolicy
}

function dropAddresses(next: ServiceSpec, previous: ServiceSpec): void {
  if (next.clusterIP !== undefined && next.clusterIP !== previous.clusterIP) return
  for (const key of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'] as const) delete next[key]
}

export function validateServiceUpdate({ spec: next }: Service, { spec: previous }: Service, issues: Issues): void {
  if (isChecked(next) && isChecked(previous) && next.healthCheckNodePort !== previous.healthCheckNodePort)
    issues.forbidden('spec.healthCheckNodePort', 'field is immutable')
  if (next.type === 'ExternalName' || previous.type === 'ExternalName') return
  const before = previous.clusterIPs?.[0] ?? previous.clusterIP ?? ''
  const now = next.clusterIPs?.[0] ?? next.clusterIP ?? ''
  if (before === '' || before === now) return
  if (now === '') issues.invalid('spec.clusterIPs[0]', next.clusterIPs ?? [], 'primary clusterIP can not be unset')
  else issues.invalid('spec.clusterIPs[0]', next.clusterIPs ?? [], 'may not change once set')
}
