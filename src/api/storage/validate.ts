// What classes of storage check alike: who provides it, and with which parameters.

import type { Issues } from '../../apimachinery/issues.ts'
import { checkQualifiedName, checkValue, sameJson } from '../../apimachinery/validation.ts'

const MAX_PARAMETERS = 512
const MAX_PARAMETERS_BYTES = 256 * 1024

type Parameters = Readonly<Record<string, string>>

export function validateProvisioner(provisioner: string, at: string, issues: Issues): void {
  if (provisioner === '') issues.required(at)
  else checkValue(provisioner.toLowerCase(), checkQualifiedName, at, issues)
}

export function validateParameters(parameters: Parameters, at: string, issues: Issues): void {
  const entries = Object.entries(parameters)
  if (entries.length > MAX_PARAMETERS) {
    issues.tooLong(at, MAX_PARAMETERS)
    return
  }
  let bytes = 0
  for (const [key, value] of entries) {
    if (key === '') issues.invalid(at, key, 'field can not be empty.')
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value)
  }
  if (bytes > MAX_PARAMETERS_BYTES) issues.tooLong(at, MAX_PARAMETERS_BYTES)
}

/** Reports each of `fields` that is not as it was. */
export function forbidChanges<T extends object>(
  next: T,
  previous: T,
  fields: readonly (keyof T & string)[],
  issues: Issues,
): void {
  for (const field of fields) {
    const same = sameJson(next[field] ?? {}, previous[field] ?? {})
    if (!same) issues.forbidden(field, `updates to ${field} are forbidden.`)
  }
}
