// Finds, for a part of an object, what it was before: by name in objects, by key in lists that have keys. Unchanged parts need not be valid.

import { isObject } from './objects.ts'
import { deepEqual } from './patch/json-patch.ts'
import type { JsonSchema } from './schema-validator.ts'

export class Correlated {
  readonly value: unknown
  readonly old: unknown
  readonly #schema: JsonSchema
  #unchanged: boolean | undefined
  #byKey: Map<string, unknown> | undefined

  constructor(value: unknown, old: unknown, schema: JsonSchema) {
    this.value = value
    this.old = old
    this.#schema = schema
  }

  /** Compared once. */
  get unchanged(): boolean {
    this.#unchanged ??= deepEqual(this.value, this.old)
    return this.#unchanged
  }

  key(name: string): Correlated | undefined {
    if (!isObject(this.value) || !isObject(this.old)) return undefined
    if (!Object.hasOwn(this.value, name) || !Object.hasOwn(this.old, name)) return undefined
    const { properties } = this.#schema
    const additional = this.#schema['additionalProperties']
    const own = isObject(properties) && Object.hasOwn(properties, name) ? properties[name] : additional
    return isObject(own) ? new Correlated(this.value[name], this.old[name], own) : undefined
  }

  /** Only lists by key are correlated item by item. */
  index(i: number): Correlated | undefined {
    const { items } = this.#schema
    if (!Array.isArray(this.value) || !isObject(items)) return undefined
    const item: unknown = this.value[i]
    const old = this.oldItem(item)
    return old === undefined ? undefined : new Correlated(item, old, items)
  }

  oldItem(item: unknown): unknown {
    const keyOf = keyOfItems(this.#schema)
    if (!keyOf || !Array.isArray(this.old)) return undefined
    this.#byKey ??= indexed(this.old, keyOf)
    return this.#byKey.get(keyOf(item))
  }
}

type KeyOf = (item: unknown) => string

/** The identity of an item of a list by keys; undefined where the list has none. */
export function keyOfItems(schema: JsonSchema): KeyOf | undefined {
  const keys = schema['x-kubernetes-list-map-keys']
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(keys)) return undefined
  const names = keys.map(String)
  return (item) => JSON.stringify(names.map((name) => (isObject(item) ? (item[name] ?? null) : null)))
}

/** The first item of a key counts. */
export function indexed(items: readonly unknown[], keyOf: KeyOf): Map<string, unknown> {
  const found = new Map<string, unknown>()
  for (const item of items) {
    const key = keyOf(item)
    if (!found.has(key)) found.set(key, item)
  }
  return found
}
