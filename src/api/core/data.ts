// What config maps and secrets check alike: keys, total size, and what `immutable` closes.

import type { Issues } from '../../apimachinery/issues.ts'
import { checkConfigMapKey, checkValue, sameJson } from '../../apimachinery/validation.ts'

/** All values of one config map or secret together. */
export const MAX_DATA_BYTES = 1024 * 1024

export function validateKeys(data: Readonly<Record<string, string>>, at: string, issues: Issues): void {
  for (const key of Object.keys(data)) checkValue(key, checkConfigMapKey, `${at}[${key}]`, issues)
}

/** The bytes behind base64 text. */
export function decodedBytes(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0
  return (base64.length / 4) * 3 - padding
}

const FROZEN = 'field is immutable when `immutable` is set'

/** Once immutable, neither the data nor the mark itself may change. */
export function validateFrozen<T extends { immutable?: boolean }>(
  next: T,
  previous: T,
  fields: readonly (keyof T & string)[],
  issues: Issues,
): void {
  if (previous.immutable !== true) return
  if (next.immutable !== true) issues.forbidden('immutable', FROZEN)
  for (const field of fields) if (!sameJson(next[field], previous[field])) issues.forbidden(field, FROZEN)
}
