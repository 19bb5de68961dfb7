// What a write of the status can change of an object. The rest is carried over from the state before, which was checked when it was written.

import type { Field, Struct } from '../../apimachinery/schema.ts'

const parts = new WeakMap<Struct, Struct>()

/** The struct with its metadata and its status alone. A custom resource is looked at as a whole, as upstream does. */
export function statusPart(struct: Struct): Struct {
  if (struct.dynamic === true) return struct
  let part = parts.get(struct)
  if (part === undefined) {
    const fields: Record<string, Field> = {}
    for (const name of ['metadata', 'status']) if (struct.fields[name]) fields[name] = struct.fields[name]
    part = { ...struct, fields, rules: {} }
    parts.set(struct, part)
  }
  return part
}
