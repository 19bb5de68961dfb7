// Checks what a claim asks for, and what may change once it exists: its size, upwards, and its attributes.

import type { Issues } from '../../../apimachinery/issues.ts'
import type { ObjectMeta } from '../../../apimachinery/metadata.ts'
import { cloneJson } from '../../../apimachinery/objects.ts'
import { compareQuantities, parseQuantity } from '../../../apimachinery/quantity.ts'
import { isQuantity } from '../../../apimachinery/scalars.ts'
import {
  checkLabel,
  checkSubdomain,
  checkValue,
  sameJson,
  validateAnnotations,
  validateImmutable,
  validateLabels,
  validateLabelSelector,
} from '../../../apimachinery/validation.ts'
import { NOT_POSITIVE } from '../resource-names.ts'
import type { PersistentVolumeClaim } from './persistent-volume-claim.ts'
import { ACCESS_MODES } from './access-modes.ts'
import type { PersistentVolumeClaimSpec, PersistentVolumeClaimTemplate } from './spec.ts'

/** Where claims and volumes named their class before there was a field for it. */
export const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class'

export function validateClaimSpec(spec: PersistentVolumeClaimSpec, at: string, issues: Issues): void {
  const { accessModes = [], storageClassName = '', volumeAttributesClassName = '' } = spec
  if (accessModes.length === 0) issues.required(`${at}.accessModes`, 'at least 1 access mode is required')
  validateLabelSelector(spec.selector, `${at}.selector`, issues)
  validateAccessModes(accessModes, `${at}.accessModes`, issues)
  const size = spec.resources?.requests?.['storage']
  const sizeAt = `${at}.resources[storage]`
  if (size === undefined) issues.required(sizeAt)
  else if (isQuantity(size) && parseQuantity(size).nanos <= 0n) issues.invalid(sizeAt, size, NOT_POSITIVE)
  if (storageClassName !== '') checkValue(storageClassName, checkSubdomain, `${at}.storageClassName`, issues)
  validateSources(spec, at, issues)
  if (volumeAttributesClassName !== '') {
    checkValue(volumeAttributesClassName, checkSubdomain, `${at}.volumeAttributesClassName`, issues)
  }
}

export function validateAccessModes(modes: readonly string[], at: string, issues: Issues): void {
  const known = new Set<string>(ACCESS_MODES)
  for (const mode of modes) if (!known.has(mode)) issues.notSupported(at, mode, ACCESS_MODES)
  const alone = modes.includes('ReadWriteOncePod')
  if (alone && modes.some((mode) => mode !== 'ReadWriteOncePod' && known.has(mode))) {
    issues.forbidden(at, 'may not use ReadWriteOncePod with other access modes')
  }
}

interface Source {
  apiGroup?: string
  kind?: string
  name?: string
  namespace?: string
}

function validateSources({ dataSource, dataSourceRef }: PersistentVolumeClaimSpec, at: string, issues: Issues): void {
  if (dataSource !== undefined) validateSource(dataSource, `${at}.dataSource`, issues)
  if (dataSourceRef !== undefined) validateSource(dataSourceRef, `${at}.dataSourceRef`, issues)
  if (dataSource === undefined || dataSourceRef === undefined) return
  if ((dataSourceRef.namespace ?? '') !== '') {
    issues.invalid(at, `${at}.dataSource`, 'may not be specified when dataSourceRef.namespace is specified')
  } else if (!sameJson(keyOf(dataSource), keyOf(dataSourceRef))) {
    issues.invalid(at, `${at}.dataSource`, 'must match dataSourceRef')
  }
}

const keyOf = ({ apiGroup, kind, name }: Source): object => ({ apiGroup, kind, name })

function validateSource({ apiGroup = '', kind, name, namespace = '' }: Source, at: string, issues: Issues): void {
  if (name === '') issues.required(`${at}.name`)
  if (kind === '') issues.required(`${at}.kind`)
  if (apiGroup === '' && kind !== 'PersistentVolumeClaim') {
    issues.invalid(at, kind ?? '', "must be 'PersistentVolumeClaim' when referencing the default apiGroup")
  }
  if (apiGroup !== '') checkValue(apiGroup, checkSubdomain, `${at}.apiGroup`, issues)
  if (namespace !== '') checkValue(namespace, checkLabel, `${at}.namespace`, issues)
}

/** The metadata of a template are labels and annotations; the rest would be ignored. */
export function validateClaimTemplate(template: PersistentVolumeClaimTemplate, at: string, issues: Issues): void {
  const { labels, annotations, ...others }: ObjectMeta = template.metadata ?? {}
  validateAnnotations(annotations, `${at}.metadata.annotations`, issues)
  validateLabels(labels, `${at}.metadata.labels`, issues)
  for (const field of Object.keys(others)) issues.forbidden(`${at}.metadata.${field}`, 'cannot be set')
}

export function validateClaimUpdate(
  next: PersistentVolumeClaim,
  previous: PersistentVolumeClaim,
  issues: Issues,
): void {
  const spec: PersistentVolumeClaimSpec = cloneJson(next.spec)
  const was = previous.spec
  // The volume is set once, by who binds it.
  if ((was.volumeName ?? '') === '') restore(spec, was, 'volumeName')
  validateClass(next, previous, spec, issues)
  const size = was.resources?.requests?.['storage']
  const requests = spec.resources?.requests
  if (next.status?.phase === 'Bound' && requests !== undefined && size !== undefined) requests['storage'] = size
  restore(spec, was, 'volumeAttributesClassName')
  if (!sameJson(spec, was)) {
    issues.forbidden(
      'spec',
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
    )
  }
  validateSize(next, previous, issues)
  validateImmutable(next.spec.volumeMode, was.volumeMode, 'volumeMode', issues)
  const attributes = next.spec.volumeAttributesClassName
  if (was.volumeAttributesClassName === undefined || sameJson(attributes, was.volumeAttributesClassName)) return
  const at = 'spec.volumeAttributesClassName'
  if (attributes === undefined) issues.forbidden(at, 'update from non-nil value to nil is forbidden')
  else if (attributes === '') issues.forbidden(at, 'update from non-nil value to an empty string is forbidden')
}

/** A claim without a class may get one once: by the annotation it had, or by a default that came later. */
function validateClass(
  next: PersistentVolumeClaim,
  previous: PersistentVolumeClaim,
  spec: PersistentVolumeClaimSpec,
  issues: Issues,
): void {
  const before = previous.metadata.annotations?.[CLASS_ANNOTATION]
  const after = next.metadata.annotations?.[CLASS_ANNOTATION]
  const given = previous.spec.storageClassName === undefined ? next.spec.storageClassName : undefined
  const upgraded = before !== undefined && given === before && (after === undefined || after === before)
  if (!upgraded && (after ?? '') !== (before ?? '')) {
    issues.invalid(`metadata.annotations.${CLASS_ANNOTATION}`, after ?? '', 'field is immutable')
  }
  if (upgraded || (given !== undefined && (before === undefined || given === before))) {
    restore(spec, previous.spec, 'storageClassName')
  }
}

/** A claim may shrink while its expansion fails, but not below what it has. */
function validateSize(next: PersistentVolumeClaim, previous: PersistentVolumeClaim, issues: Issues): void {
  const size = next.spec.resources?.requests?.['storage'] ?? '0'
  const was = previous.spec.resources?.requests?.['storage'] ?? '0'
  const has = previous.status?.capacity?.['storage'] ?? '0'
  if (![size, was, has].every(isQuantity) || compareQuantities(size, was) >= 0) return
  if (compareQuantities(size, has) <= 0) {
    issues.forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity')
  }
}

function restore<K extends keyof PersistentVolumeClaimSpec>(
  spec: PersistentVolumeClaimSpec,
  previous: PersistentVolumeClaimSpec,
  key: K,
): void {
  const value = previous[key]
  if (value === undefined) delete spec[key]
  else spec[key] = value
}

const RESIZE_STATES = [
  'ControllerResizeInProgress',
  'ControllerResizeFailed',
  'NodeResizePending',
  'NodeResizeInProgress',
  'NodeResizeFailed',
]

export function validateClaimStatus({ status = {} }: PersistentVolumeClaim, issues: Issues): void {
  for (const [key, amount] of Object.entries(status.capacity ?? {})) {
    validateAmount(amount, `status.capacity[${key}]`, issues)
  }
  for (const [key, state] of Object.entries(status.allocatedResourceStatuses ?? {})) {
    validateKey(key, 'status.allocatedResourceStatus', issues)
    if (!RESIZE_STATES.includes(state)) issues.notSupported('status.allocatedResourceStatus', key, RESIZE_STATES)
  }
  for (const [key, amount] of Object.entries(status.allocatedResources ?? {})) {
    validateKey(key, 'status.allocatedResources', issues)
    validateAmount(amount, `status.allocatedResources[${key}]`, issues)
  }
}

function validateAmount(amount: string, at: string, issues: Issues): void {
  if (!isQuantity(amount)) return
  const { nanos } = parseQuantity(amount)
  if (nanos < 0n) issues.invalid(at, Number(nanos / 1_000_000_000n), 'must be a valid resource quantity')
}

function validateKey(key: string, at: string, issues: Issues): void {
  const native = !key.includes('/') || key.includes('kubernetes.io/')
  if (native && key !== 'storage') issues.notSupported(at, key, ['storage'])
}
