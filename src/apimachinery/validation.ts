// Checks the metadata that every object carries, and what many kinds share: labels, selectors, owner references, finalizers.

import type { Issues } from './issues.ts'
import type { LabelSelector, ObjectMeta, OwnerReference } from './metadata.ts'
import { checkLabel, checkLabelValue, checkQualifiedName, NAME_CHECKS, type NameCheck } from './names.ts'
import type { DeepReadonly, Resource } from './resource.ts'

export * from './names.ts'

export const IMMUTABLE = 'field is immutable'
export const NEGATIVE = 'must be greater than or equal to 0'
/** Keys and values of all annotations together. */
export const MAX_ANNOTATIONS_BYTES = 256 * 1024

/** Reports what `check` finds wrong with `value`. */
export function checkValue(value: string, check: NameCheck, at: string, issues: Issues): void {
  const problems = check(value)
  if (problems.length > 0) reportAll(value, problems, at, issues)
}

/** As `checkValue` of a value at `${at}${member}`: a path that nobody reads unless something is wrong. */
export function checkMember(value: string, check: NameCheck, at: string, member: string, issues: Issues): void {
  const problems = check(value)
  if (problems.length > 0) reportAll(value, problems, `${at}${member}`, issues)
}

function reportAll(value: string, problems: readonly string[], at: string, issues: Issues): void {
  for (const problem of problems) issues.invalid(at, value, problem)
}

export function validateNonNegative(value: number | undefined, at: string, issues: Issues): void {
  if (value !== undefined && value < 0) issues.invalid(at, value, NEGATIVE)
}

export function validateLabels(labels: Readonly<Record<string, string>> | undefined, at: string, issues: Issues): void {
  if (labels === undefined) return
  for (const key in labels) {
    checkValue(key, checkQualifiedName, at, issues)
    checkValue(labels[key] ?? '', checkLabelValue, at, issues)
  }
}

export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  at: string,
  issues: Issues,
): void {
  if (annotations === undefined) return
  let units = 0
  for (const key in annotations) {
    const problems = checkQualifiedName(key.toLowerCase())
    if (problems.length > 0) reportAll(key, problems, at, issues)
    units += key.length + (annotations[key]?.length ?? 0)
  }
  // A unit of UTF-16 is at most three bytes: what is far from the limit is not measured.
  if (units * 3 > MAX_ANNOTATIONS_BYTES && bytesOf(annotations) > MAX_ANNOTATIONS_BYTES) {
    issues.tooLong(at, MAX_ANNOTATIONS_BYTES)
  }
}

function bytesOf(annotations: Readonly<Record<string, string>>): number {
  let bytes = 0
  for (const key in annotations) bytes += Buffer.byteLength(key) + Buffer.byteLength(annotations[key] ?? '')
  return bytes
}

export function validateLabelSelector(selector: LabelSelector | undefined, at: string, issues: Issues): void {
  if (selector === undefined) return
  validateLabels(selector.matchLabels, `${at}.matchLabels`, issues)
  selector.matchExpressions?.forEach(({ key, operator, values = [] }, i) => {
    const here = `${at}.matchExpressions[${i}]`
    const listed = operator === 'In' || operator === 'NotIn'
    if (listed && values.length === 0) {
      issues.required(`${here}.values`, "must be specified when `operator` is 'In' or 'NotIn'")
    } else if (!listed && values.length > 0) {
      issues.forbidden(`${here}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    }
    checkValue(key ?? '', checkQualifiedName, `${here}.key`, issues)
    values.forEach((value, j) => {
      checkValue(value, checkLabelValue, `${here}.values[${j}]`, issues)
    })
  })
}

function validateOwnerReferences(owners: readonly DeepReadonly<OwnerReference>[], at: string, issues: Issues): void {
  let controller: string | undefined
  for (const owner of owners) {
    const { apiVersion = '', kind = '', name = '', uid = '' } = owner
    if (apiVersion === '' || apiVersion.endsWith('/')) {
      issues.invalid(`${at}.apiVersion`, apiVersion, 'version must not be empty')
    }
    if (kind === '') issues.invalid(`${at}.kind`, kind, 'must not be empty')
    if (name === '') issues.invalid(`${at}.name`, name, 'must not be empty')
    if (uid === '') issues.invalid(`${at}.uid`, uid, 'must not be empty')
    if (apiVersion === 'v1' && kind === 'Event') {
      issues.invalid(at, owner, '/v1, Kind=Event is disallowed from being an owner')
    }
    if (owner.controller !== true) continue
    if (controller === undefined) controller = `${kind}/${name}`
    else {
      issues.invalid(
        at,
        owners,
        `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${kind}/${name}`,
      )
    }
  }
}

export function validateFinalizers(finalizers: readonly string[], at: string, issues: Issues): void {
  for (const finalizer of finalizers) checkValue(finalizer, checkQualifiedName, at, issues)
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    issues.invalid(at, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set')
  }
}

/** `name-` is legal as a beginning: what follows makes it a name. */
function maskTrailingDash(name: string): string {
  return name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name
}

/** What a kind says of the names of its objects. */
export type NamingFacts = Pick<Resource, 'scope' | 'names'>

/** Checks the metadata of an object that has its final name. */
export function validateObjectMeta(
  meta: DeepReadonly<ObjectMeta>,
  resource: NamingFacts,
  at: string,
  issues: Issues,
): void {
  const check = NAME_CHECKS[resource.names ?? 'dns-subdomain']
  const { name = '', generateName = '', namespace = '' } = meta
  if (generateName !== '') {
    const problems = check(maskTrailingDash(generateName))
    if (problems.length > 0) reportAll(generateName, problems, `${at}.generateName`, issues)
  }
  if (name === '') issues.required(`${at}.name`, 'name or generateName is required')
  else checkMember(name, check, at, '.name', issues)
  if (resource.scope === 'Namespaced') {
    if (namespace === '') issues.required(`${at}.namespace`)
    else checkMember(namespace, checkLabel, at, '.namespace', issues)
  } else if (namespace !== '') issues.forbidden(`${at}.namespace`, 'not allowed on this type')
  const { generation, labels, annotations, ownerReferences, finalizers } = meta
  if (generation !== undefined && generation < 0) issues.invalid(`${at}.generation`, generation, NEGATIVE)
  if (labels !== undefined) validateLabels(labels, `${at}.labels`, issues)
  if (annotations !== undefined) validateAnnotations(annotations, `${at}.annotations`, issues)
  if (ownerReferences !== undefined) validateOwnerReferences(ownerReferences, `${at}.ownerReferences`, issues)
  if (finalizers !== undefined) validateFinalizers(finalizers, `${at}.finalizers`, issues)
}

/** Checks what a write may not change. `next` has its resourceVersion filled in. */
export function validateObjectMetaUpdate(
  next: DeepReadonly<ObjectMeta>,
  previous: DeepReadonly<ObjectMeta>,
  at: string,
  issues: Issues,
): void {
  if (previous.deletionTimestamp !== undefined) {
    const added = (next.finalizers ?? []).filter((finalizer) => !previous.finalizers?.includes(finalizer)).sort()
    if (added.length > 0) {
      const shown = [...new Set(added)].map((finalizer) => JSON.stringify(finalizer)).join(', ')
      issues.forbidden(
        `${at}.finalizers`,
        `no new finalizers can be added if the object is being deleted, found new finalizers []string{${shown}}`,
      )
    }
  }
  if ((next.resourceVersion ?? '') === '') {
    issues.invalid(`${at}.resourceVersion`, next.resourceVersion ?? '', 'must be specified for an update')
  }
  if ((next.generation ?? 0) < (previous.generation ?? 0)) {
    issues.invalid(`${at}.generation`, next.generation ?? 0, 'must not be decremented')
  }
  for (const key of FIXED)
    if (next[key] !== previous[key]) validateImmutable(next[key], previous[key], `${at}.${key}`, issues)
}

/** What no write changes, in the order in which it is reported. */
const FIXED = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const

export function validateImmutable(next: unknown, previous: unknown, at: string, issues: Issues): void {
  if (!sameJson(next, previous)) issues.invalid(at, next, IMMUTABLE)
}

/** Whether two JSON values are the same; absent, empty lists and empty maps are the same to Kubernetes. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (isEmpty(a) && isEmpty(b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((item, i) => sameJson(item, b[i]))
  }
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  for (const key in left) if (!sameJson(left[key], right[key])) return false
  for (const key in right) if (!(key in left) && !isEmpty(right[key])) return false
  return true
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true
  return Array.isArray(value) && value.length === 0
}
