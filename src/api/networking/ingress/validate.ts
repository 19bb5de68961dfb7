// Checks the hosts, paths and backends of an ingress, and the addresses that its controller reports.

import type { Issues } from '../../../apimachinery/issues.ts'
import {
  checkLabel1035,
  checkPathSegment,
  checkPort,
  checkPortName,
  checkSubdomain,
  checkValue,
  checkWildcardSubdomain,
} from '../../../apimachinery/validation.ts'
import { checkIP } from '../../core/ip.ts'
import {
  type HTTPIngressPath,
  type IngressBackend,
  type IngressRule,
  type IngressServiceBackend,
  type IngressSpec,
  type IngressStatus,
  type IngressTLS,
  PATH_TYPES,
} from './fields.ts'

const NOT_A_NAME = 'must be a DNS name, not an IP address'
const INVALID_SEQUENCES = ['//', '/./', '/../', '%2f', '%2F']
const INVALID_SUFFIXES = ['/..', '/.']

export function validateIngressSpec(spec: IngressSpec, at: string, issues: Issues): void {
  const { rules = [], tls = [], defaultBackend, ingressClassName } = spec
  if (rules.length === 0 && defaultBackend === undefined) {
    issues.invalid(at, spec.rules, 'either `defaultBackend` or `rules` must be specified')
  }
  if (defaultBackend !== undefined) validateBackend(defaultBackend, `${at}.defaultBackend`, issues)
  rules.forEach((rule, i) => {
    validateRule(rule, `${at}.rules[${i}]`, issues)
  })
  tls.forEach((item, i) => {
    validateTLS(item, `${at}.tls[${i}]`, issues)
  })
  if (ingressClassName !== undefined) checkValue(ingressClassName, checkSubdomain, `${at}.ingressClassName`, issues)
}

function validateHost(host: string, at: string, issues: Issues): void {
  checkValue(host, host.includes('*') ? checkWildcardSubdomain : checkSubdomain, at, issues)
}

function validateTLS({ hosts = [], secretName = '' }: IngressTLS, at: string, issues: Issues): void {
  hosts.forEach((host, i) => {
    validateHost(host, `${at}.hosts[${i}]`, issues)
  })
  if (secretName !== '') checkValue(secretName, checkSubdomain, `${at}.secretName`, issues)
}

function validateRule({ host = '', http }: IngressRule, at: string, issues: Issues): void {
  if (host !== '') {
    if (checkIP(host).length === 0) issues.invalid(`${at}.host`, host, NOT_A_NAME)
    validateHost(host, `${at}.host`, issues)
  }
  if (http === undefined) return
  if (http.paths.length === 0) issues.required(`${at}.http.paths`)
  http.paths.forEach((path, i) => {
    validatePath(path, `${at}.http.paths[${i}]`, issues)
  })
}

function validatePath({ path = '', pathType, backend }: HTTPIngressPath, at: string, issues: Issues): void {
  if (pathType === undefined) {
    issues.required(`${at}.pathType`, 'pathType must be specified')
    return
  }
  const here = `${at}.path`
  switch (pathType) {
    case 'Exact':
    case 'Prefix':
      if (!path.startsWith('/')) issues.invalid(here, path, 'must be an absolute path')
      for (const part of INVALID_SEQUENCES) {
        if (path.includes(part)) issues.invalid(here, path, `must not contain '${part}'`)
      }
      for (const suffix of INVALID_SUFFIXES) {
        if (path.endsWith(suffix)) issues.invalid(here, path, `cannot end with '${suffix}'`)
      }
      break
    case 'ImplementationSpecific':
      if (path !== '' && !path.startsWith('/')) issues.invalid(here, path, 'must be an absolute path')
      break
    default:
      issues.notSupported(`${at}.pathType`, pathType, PATH_TYPES)
  }
  validateBackend(backend, `${at}.backend`, issues)
}

function validateBackend({ service, resource }: IngressBackend, at: string, issues: Issues): void {
  if (resource !== undefined && service !== undefined) {
    issues.invalid(at, '', 'cannot set both resource and service backends')
  } else if (resource !== undefined) validateTypedReference(resource, `${at}.resource`, issues)
  else if (service !== undefined) validateService(service, at, issues)
  else issues.invalid(at, '', 'resource or service backend is required')
}

function validateService({ name, port }: IngressServiceBackend, at: string, issues: Issues): void {
  if (name === '') issues.required(`${at}.service.name`)
  else if (name !== undefined) checkValue(name, checkLabel1035, `${at}.service.name`, issues)
  const { name: portName = '', number = 0 } = port ?? {}
  if (portName !== '' && number !== 0) issues.invalid(at, '', 'cannot set both port name & port number')
  else if (portName !== '') checkValue(portName, checkPortName, `${at}.service.port.name`, issues)
  else if (number !== 0) {
    for (const problem of checkPort(number)) issues.invalid(`${at}.service.port.number`, number, problem)
  } else issues.required(at, 'port name or number is required')
}

interface TypedReference {
  apiGroup?: string
  kind?: string
  name?: string
}

/** Something of another kind, whose names may be any that a path can hold. */
export function validateTypedReference(
  { apiGroup, kind = '', name = '' }: TypedReference,
  at: string,
  issues: Issues,
): void {
  if (apiGroup !== undefined) checkValue(apiGroup, checkSubdomain, `${at}.apiGroup`, issues)
  if (kind === '') issues.required(`${at}.kind`, 'kind is required')
  else checkValue(kind, checkPathSegment, `${at}.kind`, issues)
  if (name === '') issues.required(`${at}.name`, 'name is required')
  else checkValue(name, checkPathSegment, `${at}.name`, issues)
}

export function validateIngressStatus({ loadBalancer }: IngressStatus, at: string, issues: Issues): void {
  loadBalancer?.ingress?.forEach(({ ip = '', hostname = '' }, i) => {
    const here = `${at}.loadBalancer.ingress[${i}]`
    if (ip !== '') checkValue(ip, checkIP, `${here}.ip`, issues)
    if (hostname === '') return
    checkValue(hostname, checkSubdomain, `${here}.hostname`, issues)
    if (checkIP(hostname).length === 0) issues.invalid(`${here}.hostname`, hostname, NOT_A_NAME)
  })
}
