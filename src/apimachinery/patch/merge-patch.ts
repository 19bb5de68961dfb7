// JSON merge patch (RFC 7386).

import { cloneJson, isObject, setOwn } from '../objects.ts'

/** The deepest patch that is followed; deeper parts are taken as they are. */
const MAX_DEPTH = 1000

/** `target` with `patch` applied; neither is changed. Null removes. */
export function applyMergePatch(target: unknown, patch: unknown, depth = 0): unknown {
  if (!isObject(patch) || depth > MAX_DEPTH) return cloneJson(patch)
  const result = isObject(target) ? { ...target } : {}
  for (const key in patch) {
    const value = patch[key]
    if (value === null) delete result[key]
    else setOwn(result, key, applyMergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value, depth + 1))
  }
  return result
}

/** The merge patch that turns `from` into `to`. */
export function mergePatchBetween(from: unknown, to: unknown): unknown {
  if (!isObject(from) || !isObject(to)) return cloneJson(to)
  const patch: Record<string, unknown> = {}
  for (const key of Object.keys(from)) if (!Object.hasOwn(to, key)) setOwn(patch, key, null)
  for (const [key, value] of Object.entries(to)) {
    const before = Object.hasOwn(from, key) ? from[key] : undefined
    if (before === undefined) setOwn(patch, key, cloneJson(value))
    else if (isObject(before) && isObject(value)) {
      const inner = mergePatchBetween(before, value) as Record<string, unknown>
      if (Object.keys(inner).length > 0) setOwn(patch, key, inner)
    } else if (JSON.stringify(before) !== JSON.stringify(value)) setOwn(patch, key, cloneJson(value))
  }
  return patch
}
