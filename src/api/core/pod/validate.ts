// What the fields of a pod's spec cannot say for themselves.

import type { Issues } from '../../../apimachinery/issues.ts'
import {
  checkLabel,
  checkMember,
  checkQualifiedName,
  checkSubdomain,
  checkValue,
  rangeMessage,
  validateLabelSelector,
  validateLabels,
} from '../../../apimachinery/validation.ts'
import type { Affinity, NodeSelectorTerm, PodAffinityTerm } from './affinity.ts'
import type { Toleration, TopologySpreadConstraint } from './placement.ts'
import type { PodSpec } from './spec.ts'
import { validateContainers } from './validate-containers.ts'
import { validateResources } from './validate-resources.ts'
import { validateVolumes } from './validate-volumes.ts'

const MAX_INT32 = 2 ** 31 - 1
const NO_NAMES: ReadonlySet<string> = new Set()

export function validatePodSpec(spec: PodSpec, at: string, issues: Issues): void {
  const { volumes, nodeSelector, activeDeadlineSeconds: deadline } = spec
  const volumeNames = volumes === undefined ? NO_NAMES : validateVolumes(volumes, `${at}.volumes`, issues)
  validateContainers(spec, at, volumeNames, issues)
  if (spec.dnsConfig !== undefined || spec.dnsPolicy === 'None') validateDns(spec, at, issues)
  validateNames(spec, at, issues)
  if (spec.readinessGates !== undefined || spec.schedulingGates !== undefined) validateGates(spec, at, issues)
  if (nodeSelector !== undefined) validateLabels(nodeSelector, `${at}.nodeSelector`, issues)
  if (deadline !== undefined && (deadline < 1 || deadline > MAX_INT32)) {
    issues.invalid(`${at}.activeDeadlineSeconds`, deadline, rangeMessage(1, MAX_INT32))
  }
  if (spec.shareProcessNamespace === true && spec.hostPID === true) {
    issues.invalid(`${at}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled')
  }
  if (spec.resources !== undefined) validateResources(spec.resources, `${at}.resources`, issues)
  validatePlacement(spec, at, issues)
}

function validateDns({ dnsPolicy, dnsConfig }: PodSpec, at: string, issues: Issues): void {
  const nameservers = dnsConfig?.nameservers ?? []
  if (dnsPolicy === 'None') {
    if (dnsConfig === undefined) {
      issues.required(`${at}.dnsConfig`, 'must provide `dnsConfig` when `dnsPolicy` is None')
    } else if (nameservers.length === 0) {
      issues.required(
        `${at}.dnsConfig.nameservers`,
        'must provide at least one DNS nameserver when `dnsPolicy` is None',
      )
    }
  }
  if (nameservers.length > 3) {
    issues.invalid(`${at}.dnsConfig.nameservers`, nameservers, 'must not have more than 3 nameservers')
  }
  dnsConfig?.options?.forEach(({ name = '' }, i) => {
    if (name === '') issues.required(`${at}.dnsConfig.options[${i}]`, 'must not be empty')
  })
}

function validateNames(spec: PodSpec, at: string, issues: Issues): void {
  const { serviceAccountName, nodeName, runtimeClassName, priorityClassName, hostname, subdomain } = spec
  if (serviceAccountName) checkMember(serviceAccountName, checkSubdomain, at, '.serviceAccountName', issues)
  if (nodeName) checkMember(nodeName, checkSubdomain, at, '.nodeName', issues)
  if (runtimeClassName) checkMember(runtimeClassName, checkSubdomain, at, '.runtimeClassName', issues)
  if (priorityClassName) checkMember(priorityClassName, checkSubdomain, at, '.priorityClassName', issues)
  if (hostname) checkMember(hostname, checkLabel, at, '.hostname', issues)
  if (subdomain) checkMember(subdomain, checkLabel, at, '.subdomain', issues)
}

function validateGates(spec: PodSpec, at: string, issues: Issues): void {
  spec.readinessGates?.forEach(({ conditionType }, i) => {
    checkValue(conditionType ?? '', checkQualifiedName, `${at}.readinessGates[${i}].conditionType`, issues)
  })
  const gates = new Set<string>()
  spec.schedulingGates?.forEach(({ name = '' }, i) => {
    checkValue(name, checkQualifiedName, `${at}.schedulingGates[${i}]`, issues)
    if (gates.has(name)) issues.duplicate(`${at}.schedulingGates[${i}]`, name)
    gates.add(name)
  })
}

function validatePlacement(spec: PodSpec, at: string, issues: Issues): void {
  if (spec.affinity !== undefined) validateAffinity(spec.affinity, `${at}.affinity`, issues)
  spec.tolerations?.forEach((toleration, i) => {
    validateToleration(toleration, `${at}.tolerations[${i}]`, issues)
  })
  const { topologySpreadConstraints: constraints } = spec
  if (constraints !== undefined) validateSpread(constraints, `${at}.topologySpreadConstraints`, issues)
}

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

export function validateToleration(toleration: Toleration, at: string, issues: Issues): void {
  const { key = '', operator = 'Equal', value = '', effect = '', tolerationSeconds } = toleration
  if (key !== '') checkMember(key, checkQualifiedName, at, '.key', issues)
  else if (operator !== 'Exists') {
    issues.invalid(
      `${at}.operator`,
      toleration.operator ?? '',
      'operator must be Exists when `key` is empty, which means "match all values and all keys"',
    )
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    issues.invalid(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
  }
  if (operator === 'Exists' && value !== '') {
    issues.invalid(`${at}.operator`, toleration, "value must be empty when `operator` is 'Exists'")
  }
  if (effect !== '' && !EFFECTS.includes(effect)) issues.notSupported(`${at}.effect`, effect, EFFECTS)
}

function validateSpread(constraints: readonly TopologySpreadConstraint[], at: string, issues: Issues): void {
  const seen = new Set<string>()
  constraints.forEach((constraint, i) => {
    const here = `${at}[${i}]`
    const { maxSkew, topologyKey = '', whenUnsatisfiable, minDomains, labelSelector } = constraint
    if (maxSkew <= 0) issues.invalid(`${here}.maxSkew`, maxSkew, 'must be greater than zero')
    if (topologyKey === '') issues.required(`${here}.topologyKey`, 'can not be empty')
    if (minDomains !== undefined && minDomains <= 0) {
      issues.invalid(`${here}.minDomains`, minDomains, 'must be greater than zero')
    }
    if (minDomains !== undefined && whenUnsatisfiable !== 'DoNotSchedule') {
      issues.invalid(
        `${here}.minDomains`,
        minDomains,
        `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`,
      )
    }
    const pair = `{${topologyKey}, ${whenUnsatisfiable}}`
    if (seen.has(pair)) issues.duplicate(`${here}.{topologyKey, whenUnsatisfiable}`, pair)
    seen.add(pair)
    validateLabelSelector(labelSelector, `${here}.labelSelector`, issues)
  })
}

function validateAffinity({ nodeAffinity, podAffinity, podAntiAffinity }: Affinity, at: string, issues: Issues): void {
  const required = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  const requiredAt = `${at}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`
  if (required !== undefined && required.nodeSelectorTerms.length === 0) {
    issues.required(requiredAt, 'must have at least one node selector term')
  }
  required?.nodeSelectorTerms.forEach((term, i) => {
    validateNodeTerm(term, `${requiredAt}[${i}]`, issues)
  })
  nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution?.forEach(({ weight, preference }, i) => {
    const here = `${at}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${i}]`
    validateWeight(weight, here, issues)
    validateNodeTerm(preference, `${here}.preference`, issues)
  })
  for (const [key, pods] of [['podAffinity', podAffinity] as const, ['podAntiAffinity', podAntiAffinity] as const]) {
    pods?.requiredDuringSchedulingIgnoredDuringExecution?.forEach((term, i) => {
      validatePodTerm(term, `${at}.${key}.requiredDuringSchedulingIgnoredDuringExecution[${i}]`, issues)
    })
    pods?.preferredDuringSchedulingIgnoredDuringExecution?.forEach(({ weight, podAffinityTerm }, i) => {
      const here = `${at}.${key}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`
      validateWeight(weight, here, issues)
      validatePodTerm(podAffinityTerm, `${here}.podAffinityTerm`, issues)
    })
  }
}

function validateWeight(weight: number, at: string, issues: Issues): void {
  if (weight < 1 || weight > 100) issues.invalid(`${at}.weight`, weight, 'must be in the range 1-100')
}

export function validateNodeTerm(term: NodeSelectorTerm, at: string, issues: Issues): void {
  term.matchExpressions?.forEach(({ key = '', operator, values = [] }, i) => {
    const here = `${at}.matchExpressions[${i}]`
    checkValue(key, checkQualifiedName, `${here}.key`, issues)
    if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
      issues.required(`${here}.values`, "must be specified when `operator` is 'In' or 'NotIn'")
    }
    if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
      issues.forbidden(`${here}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    }
    if ((operator === 'Gt' || operator === 'Lt') && values.length !== 1) {
      issues.required(`${here}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'")
    }
  })
  term.matchFields?.forEach(({ key = '', operator, values = [] }, i) => {
    const here = `${at}.matchFields[${i}]`
    if (operator !== 'In' && operator !== 'NotIn') {
      issues.invalid(`${here}.operator`, operator, 'not a valid selector operator')
    } else if (values.length !== 1) {
      issues.required(
        `${here}.values`,
        "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
      )
    }
    if (key !== 'metadata.name') issues.invalid(`${here}.key`, key, 'not a valid field selector key')
  })
}

function validatePodTerm(term: PodAffinityTerm, at: string, issues: Issues): void {
  validateLabelSelector(term.labelSelector, `${at}.labelSelector`, issues)
  validateLabelSelector(term.namespaceSelector, `${at}.namespaceSelector`, issues)
  term.namespaces?.forEach((namespace) => {
    checkValue(namespace, checkLabel, `${at}.namespace`, issues)
  })
  if ((term.topologyKey ?? '') === '') issues.required(`${at}.topologyKey`, 'can not be empty')
  else checkValue(term.topologyKey, checkQualifiedName, `${at}.topologyKey`, issues)
}
