// Loads a CRD's structural schema into the nodes of the schema language, so that custom resources are decoded, pruned, defaulted and validated
// by the same walkers as the built-in kinds.

import { compileRuleValidator } from './cel/schema/rule-validator.ts'
import { Correlated } from './correlation.ts'
import { Issues } from './issues.ts'
import { isObject } from './objects.ts'
import type { Field, FieldOptions, ListType, Struct } from './schema.ts'
import { compileSchema, type JsonSchema } from './schema-validator.ts'

export type { JsonSchema } from './schema-validator.ts'

/** The deepest schema that is loaded. */
export const MAX_SCHEMA_DEPTH = 100

/** The struct of a custom kind: `name` is its OpenAPI name, as `com.example.v1.Widget`. It decodes and defaults; `compileObjectCheck` checks. */
export function structFromSchema<T = Record<string, unknown>>(name: string, schema: JsonSchema): Struct<T> {
  const struct: Struct = { ...structOf(name, schema, true, 0), source: schema }
  return struct as Struct<T>
}

export interface ObjectToCheck {
  object: unknown
  /** On updates: what is unchanged since is not refused, and rules may compare. */
  previous?: unknown
  issues: Issues
  /** Texts for the client about what is wrong and was wrong before. */
  warnings: string[]
}

/** Issues that leave values of a kind that rules cannot be asked about (upstream hasBlockingErr). */
const BLOCKING = new Set([
  ...['FieldValueNotSupported', 'FieldValueRequired', 'FieldValueTooLong', 'FieldValueTooMany'],
  'FieldValueTypeInvalid',
])

/** Checks whole objects: first by the schema, then by its rules. Throws a PatternError when a pattern is none. */
export function compileObjectCheck(schema: JsonSchema): (of: ObjectToCheck) => void {
  const plain = withoutMetadata(schema)
  const check = compileSchema(plain)
  const checkRules = compileRuleValidator(schema)
  return ({ object, previous, issues, warnings }) => {
    const own = new Issues()
    check(object, '', own, previous === undefined ? undefined : new Correlated(object, previous, plain))
    for (const issue of own.list) issues.add(issue)
    if (!checkRules) return
    if (own.list.some(({ reason }) => BLOCKING.has(reason))) {
      const detail =
        'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation'
      issues.invalid('<nil>', undefined, detail)
      return
    }
    const old = previous === undefined ? {} : { old: previous }
    checkRules(object, { issues, warn: (text) => warnings.push(text), ...old })
  }
}

/** The metadata of an object is the server's to check; a CRD's schema may only narrow its name. */
function withoutMetadata(schema: JsonSchema): JsonSchema {
  const properties = schema['properties']
  if (!isObject(properties)) return schema
  const { apiVersion: _apiVersion, kind: _kind, ...rest } = properties
  return { ...schema, properties: rest }
}

function structOf(name: string, schema: JsonSchema, root: boolean, depth: number): Struct {
  const fields: Record<string, Field> = Object.create(null)
  const properties = schema['properties']
  for (const [key, property] of Object.entries(isObject(properties) ? properties : {})) {
    if (root && (key === 'apiVersion' || key === 'kind' || key === 'metadata')) continue
    fields[key] = fieldOf(`${name}.${key}`, isObject(property) ? property : {}, depth + 1)
  }
  return {
    name,
    fields,
    rules: {},
    dynamic: true,
    preserveUnknown: schema['x-kubernetes-preserve-unknown-fields'] === true,
    embedded: schema['x-kubernetes-embedded-resource'] === true,
    ...(schema['x-kubernetes-map-type'] === 'atomic' ? { atomic: true } : {}),
  }
}

const SCALARS: Readonly<Record<string, Field['type']>> = {
  string: 'string',
  integer: 'int64',
  number: 'double',
  boolean: 'bool',
}

function fieldOf(name: string, schema: JsonSchema, depth: number): Field {
  if (depth > MAX_SCHEMA_DEPTH)
    throw new Error(`Cannot load schema "${name}": it is nested deeper than ${MAX_SCHEMA_DEPTH}`)
  const options = { number: 0, required: false, ...optionsOf(schema) }
  if (schema['x-kubernetes-int-or-string'] === true) return { type: 'intOrString', ...options }
  const { type } = schema
  if (type === 'array')
    return { type: 'list', ...options, ...listOptions(schema), of: elementOf(name, schema['items'], depth) }
  const additional = schema['additionalProperties']
  if (type === 'object' && (isObject(additional) || additional === true)) {
    return { type: 'map', ...options, of: elementOf(name, additional, depth) }
  }
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true
  const embedded = schema['x-kubernetes-embedded-resource'] === true
  if (isObject(schema['properties']) || embedded || (type === 'object' && !open)) {
    const struct = structOf(name, schema, false, depth)
    return { type: 'struct', ...options, struct: () => struct }
  }
  return { type: (typeof type === 'string' && SCALARS[type]) || 'any', ...options }
}

function elementOf(name: string, schema: unknown, depth: number): Field {
  return isObject(schema) ? fieldOf(`${name}[]`, schema, depth + 1) : { type: 'any', number: 0, required: false }
}

function optionsOf(schema: JsonSchema): FieldOptions {
  return {
    ...('default' in schema ? { default: schema['default'] } : {}),
    ...(typeof schema['description'] === 'string' ? { doc: schema['description'] } : {}),
    ...(schema['nullable'] === true ? { nullable: true } : {}),
    ...(schema['x-kubernetes-preserve-unknown-fields'] === true ? { preserveUnknown: true } : {}),
    ...(schema['x-kubernetes-map-type'] === 'atomic' ? { atomic: true } : {}),
  }
}

function listOptions(schema: JsonSchema): { list: ListType; keys?: string[] } {
  const type = schema['x-kubernetes-list-type']
  const list = type === 'set' || type === 'map' ? type : 'atomic'
  const keys = schema['x-kubernetes-list-map-keys']
  return { list, ...(Array.isArray(keys) ? { keys: keys.map(String) } : {}) }
}
