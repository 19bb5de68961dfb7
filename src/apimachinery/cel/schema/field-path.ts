// A rule's fieldPath: a simple JSON path that must lead to a field of the schema.

import { isObject } from '../../objects.ts'
import type { JsonSchema } from '../../schema-validator.ts'

export interface FieldPath {
  /** As it stands in errors, without the first dot. */
  path: string
  schema: JsonSchema
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  "'": "'",
  '\\': '\\',
}

/** Why it is none, or where it leads. */
export function resolveFieldPath(text: string, root: JsonSchema, arrays = true): FieldPath | string {
  let schema = root
  let path = ''
  const step = (name: string): string | undefined => {
    const { properties } = schema
    const additional = schema['additionalProperties']
    if (isObject(properties)) {
      const next = Object.hasOwn(properties, name) ? properties[name] : undefined
      if (!isObject(next)) return 'does not refer to a valid field'
      schema = next
      path += `${path === '' ? '' : '.'}${name}`
      return undefined
    }
    if (!isObject(additional)) return 'does not refer to a valid field'
    schema = additional
    path += `[${name}]`
    return undefined
  }
  let rest = text
  while (rest !== '') {
    const named = /^\.([^.[\]']+)/.exec(rest)
    const quoted = arrays ? /^\['((?:[^'\\]|\\.)*)'\]/.exec(rest) : null
    const found = named ?? quoted
    if (!found) {
      if (rest.startsWith('[') && !arrays) return 'array notation is not allowed'
      if (rest === '.' || rest === '[') return 'unexpected end of JSON path'
      return rest.startsWith('[')
        ? `expected single quoted string but got ${rest.slice(1)}`
        : `expected [ or . but got: ${rest}`
    }
    const problem = step((found[1] ?? '').replace(/\\(.)/g, (all, c: string) => (quoted ? (ESCAPES[c] ?? all) : all)))
    if (problem !== undefined) return problem
    rest = rest.slice(found[0].length)
  }
  return { path, schema }
}
