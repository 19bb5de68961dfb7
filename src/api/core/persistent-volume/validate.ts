// Checks what a volume is, and that it stays where its bytes are.

import type { Issues } from '../../../apimachinery/issues.ts'
import { parseQuantity } from '../../../apimachinery/quantity.ts'
import { isQuantity } from '../../../apimachinery/scalars.ts'
import { checkSubdomain, checkValue, sameJson, validateImmutable } from '../../../apimachinery/validation.ts'
import { validateAccessModes } from '../persistent-volume-claim/validate.ts'
import { validateNodeTerm } from '../pod/validate.ts'
import { NOT_POSITIVE } from '../resource-names.ts'
import type { PersistentVolume, PersistentVolumeSpec } from './persistent-volume.ts'
import { type CSIPersistentVolumeSource, SOURCE_NAMES } from './sources.ts'

const MAX_DRIVER_BYTES = 63

export function validatePersistentVolume({ spec }: PersistentVolume, issues: Issues): void {
  const { accessModes = [], storageClassName = '' } = spec
  if (accessModes.length === 0) issues.required('spec.accessModes')
  validateAccessModes(accessModes, 'spec.accessModes', issues)
  validateCapacity(spec.capacity ?? {}, issues)
  validateNodeAffinity(spec, issues)
  validateSources(spec, issues)
  if (spec.persistentVolumeReclaimPolicy === 'Recycle' && isRoot(spec.hostPath?.path)) {
    issues.forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'")
  }
  if (storageClassName !== '') checkValue(storageClassName, checkSubdomain, 'spec.storageClassName', issues)
  const { volumeAttributesClassName: attributes } = spec
  if (attributes === undefined) return
  const at = 'spec.volumeAttributesClassName'
  if (attributes === '') issues.required(at, 'an empty string is disallowed')
  else checkValue(attributes, checkSubdomain, at, issues)
  if (spec.csi === undefined) issues.required('spec.csi', 'has to be specified when using volumeAttributesClassName')
}

/** Whether a path, however it is written, is the root of the file system. */
function isRoot(path = ''): boolean {
  return path.startsWith('/') && path.split('/').every((part) => part === '' || part === '.')
}

function validateCapacity(capacity: Readonly<Record<string, string>>, issues: Issues): void {
  const at = 'spec.capacity'
  const names = Object.keys(capacity)
  if (names.length === 0) issues.required(at)
  if (names.length > 1 || capacity['storage'] === undefined) issues.notSupported(at, capacity, ['storage'])
  for (const [name, amount] of Object.entries(capacity)) {
    if (!isQuantity(amount)) continue
    const { nanos } = parseQuantity(amount)
    if (nanos < 0n)
      issues.invalid(`${at}[${name}]`, Number(nanos / 1_000_000_000n), 'must be a valid resource quantity')
    if (nanos <= 0n) issues.invalid(`${at}[${name}]`, amount, NOT_POSITIVE)
  }
}

function validateNodeAffinity({ nodeAffinity }: PersistentVolumeSpec, issues: Issues): void {
  if (nodeAffinity === undefined) return
  const at = 'spec.nodeAffinity.required'
  if (nodeAffinity.required === undefined) {
    issues.required(at, 'must specify required node constraints')
    return
  }
  const terms = nodeAffinity.required.nodeSelectorTerms
  if (terms.length === 0) issues.required(`${at}.nodeSelectorTerms`, 'must have at least one node selector term')
  terms.forEach((term, i) => {
    validateNodeTerm(term, `${at}.nodeSelectorTerms[${i}]`, issues)
  })
}

function validateSources(spec: PersistentVolumeSpec, issues: Issues): void {
  const given = SOURCE_NAMES.filter((name) => spec[name] !== undefined)
  if (given.length === 0) issues.required('spec', 'must specify a volume type')
  for (const extra of given.slice(1)) issues.forbidden(`spec.${extra}`, 'may not specify more than 1 volume type')
  const { hostPath, nfs, local, csi } = spec
  if (hostPath !== undefined) validatePath(hostPath.path, 'spec.hostPath.path', issues)
  if (nfs !== undefined) {
    if (nfs.server === '') issues.required('spec.nfs.server')
    if (nfs.path === '') issues.required('spec.nfs.path')
    else if (nfs.path !== undefined && !nfs.path.startsWith('/')) {
      issues.invalid('spec.nfs.path', nfs.path, 'must be an absolute path')
    }
  }
  if (local !== undefined) {
    validatePath(local.path, 'spec.local.path', issues)
    if (spec.nodeAffinity?.required === undefined) {
      issues.required('spec.nodeAffinity', 'Local volume requires node affinity')
    }
  }
  if (csi !== undefined) validateCSI(csi, 'spec.csi', issues)
}

function validatePath(path: string | undefined, at: string, issues: Issues): void {
  if (path === '') issues.required(at)
  else if (path?.split('/').includes('..')) issues.invalid(at, path, "must not contain '..'")
}

const CSI_SECRETS = [
  'controllerPublishSecretRef',
  'controllerExpandSecretRef',
  'nodePublishSecretRef',
  'nodeExpandSecretRef',
  'nodeStageSecretRef',
] as const

function validateCSI(csi: CSIPersistentVolumeSource, at: string, issues: Issues): void {
  const { driver, volumeHandle } = csi
  if (driver === '') issues.required(`${at}.driver`)
  else if (driver !== undefined) {
    if (driver.length > MAX_DRIVER_BYTES) issues.tooLong(`${at}.driver`, MAX_DRIVER_BYTES)
    for (const problem of checkSubdomain(driver.toLowerCase())) issues.invalid(`${at}.driver`, driver, problem)
  }
  if (volumeHandle === '') issues.required(`${at}.volumeHandle`)
  for (const key of CSI_SECRETS) {
    const secret = csi[key]
    if (secret === undefined) continue
    for (const part of ['name', 'namespace'] as const) {
      const value = secret[part] ?? ''
      if (value === '') issues.required(`${at}.${key}.${part}`)
      else checkValue(value, checkSubdomain, `${at}.${key}.${part}`, issues)
    }
  }
}

export function validatePersistentVolumeUpdate(
  { spec: next }: PersistentVolume,
  { spec: previous }: PersistentVolume,
  issues: Issues,
): void {
  if (!sameJson(sourceOf(next, previous), sourceOf(previous, previous))) {
    issues.forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation')
  }
  validateImmutable(next.volumeMode, previous.volumeMode, 'volumeMode', issues)
  if (previous.nodeAffinity !== undefined) {
    validateImmutable(next.nodeAffinity, previous.nodeAffinity, 'nodeAffinity', issues)
  }
  if (previous.volumeAttributesClassName !== undefined && next.volumeAttributesClassName === undefined) {
    issues.forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden')
  }
}

/** The volume's source; the secret of its expansion may still be added. */
function sourceOf(spec: PersistentVolumeSpec, previous: PersistentVolumeSpec): object {
  const source = Object.fromEntries(SOURCE_NAMES.map((name) => [name, spec[name]]))
  if (spec.csi === undefined || previous.csi?.controllerExpandSecretRef !== undefined) return source
  const { controllerExpandSecretRef: _, ...csi } = spec.csi
  return { ...source, csi }
}
