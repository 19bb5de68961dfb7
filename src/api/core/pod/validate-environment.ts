// Checks the environment variables of containers: names, and exactly one source for each.

import type { Issues } from '../../../apimachinery/issues.ts'
import { checkConfigMapKey, checkEnvName, checkQualifiedName, checkValue } from '../../../apimachinery/validation.ts'
import type { EnvFromSource, EnvVar } from './environment.ts'
import type { ObjectFieldSelector } from './key-selectors.ts'

const SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'] as const

export const ENV_FIELD_PATHS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]

export function validateEnv(env: readonly EnvVar[], at: string, issues: Issues): void {
  env.forEach(({ name, value = '', valueFrom }, i) => {
    if (name === '') issues.required(`${at}[${i}].name`)
    else if (name !== undefined && checkEnvName(name).length > 0) {
      checkValue(name, checkEnvName, `${at}[${i}].name`, issues)
    }
    if (valueFrom === undefined) return
    const said = SOURCES.filter((key) => valueFrom[key] !== undefined)
    const from = `${at}[${i}].valueFrom`
    if (said.length === 0) {
      issues.invalid(
        from,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      )
    } else if (value !== '') issues.invalid(from, '', 'may not be specified when `value` is not empty')
    else if (said.length > 1) issues.invalid(from, '', 'may not have more than one field specified at a time')
    if (valueFrom.fieldRef !== undefined) {
      validateFieldPath(valueFrom.fieldRef, `${from}.fieldRef`, ENV_FIELD_PATHS, issues)
    }
    for (const key of ['configMapKeyRef', 'secretKeyRef'] as const) {
      const selector = valueFrom[key]
      if (selector === undefined) continue
      if ((selector.name ?? '') === '') issues.required(`${from}.${key}.name`)
      if (selector.key === '') issues.required(`${from}.${key}.key`)
      else if (selector.key !== undefined) checkValue(selector.key, checkConfigMapKey, `${from}.${key}.key`, issues)
    }
  })
}

const SUBSCRIPT = /^(metadata\.(?:labels|annotations))\['(.+)'\]$/

/** A path into the pod itself; labels and annotations may be subscripted. */
export function validateFieldPath(
  { fieldPath = '' }: ObjectFieldSelector,
  at: string,
  supported: readonly string[],
  issues: Issues,
): void {
  const here = `${at}.fieldPath`
  if (fieldPath === '') issues.required(here)
  else {
    const key = SUBSCRIPT.exec(fieldPath)?.[2]
    if (key !== undefined) checkValue(key.toLowerCase(), checkQualifiedName, here, issues)
    else if (!supported.includes(fieldPath)) issues.notSupported(here, fieldPath, supported)
  }
}

export function validateEnvFrom(sources: readonly EnvFromSource[], at: string, issues: Issues): void {
  sources.forEach(({ prefix = '', configMapRef, secretRef }, i) => {
    const here = `${at}[${i}]`
    if (prefix !== '') checkValue(prefix, checkEnvName, `${here}.prefix`, issues)
    if (configMapRef === undefined && secretRef === undefined) {
      issues.invalid(here, '', 'must specify one of: `configMapRef` or `secretRef`')
    } else if (configMapRef !== undefined && secretRef !== undefined) {
      issues.invalid(here, '', 'may not have more than one field specified at a time')
    }
    if (configMapRef !== undefined && (configMapRef.name ?? '') === '') issues.required(`${here}.configMapRef.name`)
    if (secretRef !== undefined && (secretRef.name ?? '') === '') issues.required(`${here}.secretRef.name`)
  })
}
