// Telling JSON objects from the rest, and writing to them safely whatever the key is called.

export type JsonObject = Record<string, unknown>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Sets an own property even when the key is `__proto__`, which plain assignment would take for the prototype. */
export function setOwn(target: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  } else {
    target[key] = value
  }
}

/** A deep copy of a JSON value. */
export function cloneJson<T>(value: T): T
export function cloneJson(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const list: unknown[] = new Array(value.length)
    for (let i = 0; i < value.length; i++) list[i] = cloneJson(value[i])
    return list
  }
  const copy: JsonObject = {}
  for (const key in value) setOwn(copy, key, cloneJson((value as JsonObject)[key]))
  return copy
}
