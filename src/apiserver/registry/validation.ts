// Validation of a write: metadata, the schema, the kind's own rules; all issues of one object in one answer.

import * as errors from '../../apimachinery/errors.ts'
import { Issues } from '../../apimachinery/issues.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { JsonObject } from '../../apimachinery/objects.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { validate } from '../../apimachinery/validate.ts'
import { validateObjectMeta, validateObjectMetaUpdate } from '../../apimachinery/validation.ts'
import type { RequestContext } from './context.ts'
import type { Served } from './served.ts'
import { statusPart } from './status-part.ts'

/** Where a view is written through, it has a say too. */
type Checked = Pick<Served, 'resource'> & { view?: Served['view'] | undefined }

export function checkNew({ resource, view }: Checked, object: AnyObject, context: RequestContext): void {
  const issues = new Issues()
  validateObjectMeta(object.metadata, resource, 'metadata', issues)
  validate(resource.struct, object, issues)
  resource.validateWhole?.(object, undefined, issues, context.warnings)
  resource.validate?.(object, issues)
  view?.validate?.(object, undefined, issues)
  throwIssues({ resource, view }, object, issues)
  context.warnings.push(...(resource.warnings?.(object) ?? []))
}

/** Subresources whose handlers change what a plain update may not, by rules of their own. */
const OWN_RULES = new Set(['approval', 'binding', 'ephemeralcontainers', 'finalize'])

export function checkUpdate(
  { resource, view }: Checked,
  next: AnyObject,
  previous: DeepReadonly<AnyObject>,
  context: RequestContext,
): void {
  const issues = new Issues()
  // The very metadata of the object that is there was checked when it was written.
  if (!sameMembers(next.metadata, previous.metadata)) {
    validateObjectMeta(next.metadata, resource, 'metadata', issues)
    validateObjectMetaUpdate(next.metadata, previous.metadata, 'metadata', issues)
  }
  resource.validateWhole?.(next, previous as AnyObject, issues, context.warnings)
  const { subresource } = context.info
  if (subresource === 'status') {
    validate(statusPart(resource.struct), next, issues)
    resource.validateStatusUpdate?.(next, previous as AnyObject, issues)
    throwIssues({ resource, view }, next, issues)
    return
  }
  validate(resource.struct, next, issues)
  if (!OWN_RULES.has(subresource)) {
    resource.validate?.(next, issues, previous as AnyObject)
    resource.validateUpdate?.(next, previous as AnyObject, issues)
    view?.validate?.(next, previous as AnyObject, issues)
  }
  throwIssues({ resource, view }, next, issues)
  context.warnings.push(...(resource.warnings?.(next, previous as AnyObject) ?? []))
}

/** Whether two objects have the same members, which are the same objects and not their likes. */
function sameMembers<T extends object>(a: T, b: DeepReadonly<T>): boolean {
  const left = a as JsonObject
  const right = b as JsonObject
  for (const key in left) if (left[key] !== right[key]) return false
  for (const key in right) if (!Object.hasOwn(left, key)) return false
  return true
}

function throwIssues({ resource, view }: Checked, { metadata }: AnyObject, { list }: Issues): void {
  const found = view?.permits ? list.filter((issue) => !view.permits?.(issue)) : list
  if (found.length === 0) return
  const named = found.map((issue) => ({ ...issue, field: view?.fieldName?.(issue.field) ?? issue.field }))
  throw errors.invalid(resource, metadata.name || metadata.generateName || '', named)
}
