// What tests of kinds ask of them: an object with its defaults, what is wrong with it, what may not change.

import { decode } from '../apimachinery/decode.ts'
import { applyDefaults } from '../apimachinery/defaults.ts'
import { Issues } from '../apimachinery/issues.ts'
import type { Resource } from '../apimachinery/resource.ts'
import { validate } from '../apimachinery/validate.ts'

/** The object as the server sees it: decoded strictly, defaults filled in. */
export function ready<T>(resource: Resource<T>, object: object): T {
  const metadata = { name: 'x', ...(resource.scope === 'Namespaced' ? { namespace: 'default' } : {}) }
  const { value } = decode(resource.struct, { metadata, ...object }, { unknownFields: 'strict' })
  applyDefaults(resource.struct, value)
  resource.defaults?.(value)
  return value
}

const lines = ({ list }: Issues): string[] => list.map(({ field, message }) => `${field}: ${message}`)

/** What is wrong with a new object. */
export function problems<T>(resource: Resource<T>, object: object): string[] {
  const value = ready(resource, object)
  const issues = new Issues()
  validate(resource.struct, value, issues)
  resource.validate?.(value, issues)
  return lines(issues)
}

/** What is wrong with the change from one object to another. */
export function changed<T>(resource: Resource<T>, previous: object, next: object): string[] {
  const issues = new Issues()
  resource.validateUpdate?.(ready(resource, next), ready(resource, previous), issues)
  return lines(issues)
}

/** The same on /status. */
export function statusChanged<T>(resource: Resource<T>, previous: object, next: object): string[] {
  const issues = new Issues()
  resource.validateStatusUpdate?.(ready(resource, next), ready(resource, previous), issues)
  return lines(issues)
}

/** The cells of the object's row, by the names of the columns. */
export function cells<T>(resource: Resource<T>, object: object, nowMs = 0): Record<string, unknown> {
  const value = ready(resource, object)
  return Object.fromEntries((resource.columns ?? []).map((column) => [column.name, column.cell(value, { nowMs })]))
}

/** The object as the server makes it: with what its kind prepares. Its uid is `u`. */
export function created<T>(resource: Resource<T>, object: { metadata?: object; [field: string]: unknown }): T {
  const metadata = { name: 'x', namespace: 'default', uid: 'u', ...object.metadata }
  const value = ready(resource, { ...object, metadata })
  resource.prepareCreate?.(value)
  applyDefaults(resource.struct, value)
  resource.defaults?.(value)
  return value
}
