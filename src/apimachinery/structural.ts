// Loads a CRD's structural schema into the nodes of the schema language, so that custom resources are decoded, pruned, defaulted and validated
// by the same walkers as the built-in kinds.

import type { Issues } from './issues.ts'
import { isObject } from './objects.ts'
import { compilePattern, PatternError } from './pattern.ts'
import type { Field, FieldOptions, ListType, Struct } from './schema.ts'
import { compileSchema, type JsonSchema } from './schema-validator.ts'

export type { JsonSchema } from './schema-validator.ts'

/** The deepest schema that is loaded. */
export const MAX_SCHEMA_DEPTH = 100

/**
 * The struct of a custom kind: `name` is its OpenAPI name, as `com.example.v1.Widget`. Its rules validate whole objects by the schema, so
 * `decode`, `applyDefaults` and `validate` need nothing else. Throws a PatternError when a pattern is none; `validateSchema` says so earlier.
 */
export function structFromSchema<T = Record<string, unknown>>(name: string, schema: JsonSchema): Struct<T> {
  const whole = structOf(name, schema, true, 0)
  const check = compileSchema(withoutMetadata(schema))
  const struct: Struct = {
    ...whole,
    source: schema,
    rules: { validate: (value, at, issues) => check(value, at, issues) },
  }
  return struct as Struct<T>
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

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string']

/** Reports where a CRD's schema is not structural. `at` is its path, as `spec.versions[0].schema.openAPIV3Schema`. */
export function validateSchema(schema: JsonSchema, at: string, issues: Issues): void {
  if (schema['type'] !== 'object' && schema['x-kubernetes-preserve-unknown-fields'] !== true) {
    issues.invalid(`${at}.type`, schema['type'] ?? '', 'must be object at the root')
  }
  validateNode(schema, at, issues, 0)
}

function validateNode(schema: JsonSchema, at: string, issues: Issues, depth: number): void {
  if (depth > MAX_SCHEMA_DEPTH) {
    issues.forbidden(at, `must not be nested deeper than ${MAX_SCHEMA_DEPTH}`)
    return
  }
  validateNodeType(schema, at, issues, depth)
  validatePattern(schema['pattern'], `${at}.pattern`, issues)
  validateList(schema, at, issues)
  const { properties, items, additionalProperties: additional } = schema
  if (isObject(properties) && Object.keys(properties).length > 0 && additional !== undefined && additional !== false) {
    issues.forbidden(`${at}.additionalProperties`, 'additionalProperties and properties are mutual exclusive')
  }
  for (const [key, property] of Object.entries(isObject(properties) ? properties : {})) {
    if (isObject(property)) validateNode(property, `${at}.properties[${key}]`, issues, depth + 1)
  }
  if (Array.isArray(items)) issues.forbidden(`${at}.items`, 'items must be a schema object and not an array')
  else if (isObject(items)) validateNode(items, `${at}.items`, issues, depth + 1)
  if (isObject(additional)) validateNode(additional, `${at}.additionalProperties`, issues, depth + 1)
  for (const key of ['definitions', 'dependencies', 'patternProperties', 'additionalItems', '$ref', 'id']) {
    if (schema[key] !== undefined) issues.forbidden(`${at}.${key}`, `${key} is not supported`)
  }
  for (const key of ['allOf', 'anyOf', 'oneOf']) {
    const branches = schema[key]
    for (const [i, branch] of (Array.isArray(branches) ? branches : []).entries()) {
      validateBranch(branch, `${at}.${key}[${i}]`, issues, depth + 1)
    }
  }
  if (schema['not'] !== undefined) validateBranch(schema['not'], `${at}.not`, issues, depth + 1)
}

function validateNodeType(schema: JsonSchema, at: string, issues: Issues, depth: number): void {
  const { type } = schema
  const free = schema['x-kubernetes-int-or-string'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true
  if (typeof type === 'string' && type !== '') {
    if (!TYPES.includes(type)) issues.notSupported(`${at}.type`, type, TYPES)
    else if (schema['x-kubernetes-int-or-string'] === true) {
      issues.invalid(`${at}.type`, type, 'must be empty if x-kubernetes-int-or-string is true')
    }
  } else if (!free && depth > 0) issues.required(`${at}.type`, 'must not be empty for specified object fields')
  if (type === 'array' && schema['items'] === undefined) issues.required(`${at}.items`, 'must be specified')
  if (schema['x-kubernetes-embedded-resource'] === true && type !== 'object') {
    issues.invalid(`${at}.type`, type ?? '', 'must be object if x-kubernetes-embedded-resource is true')
  }
}

function validateList(schema: JsonSchema, at: string, issues: Issues): void {
  if (schema['uniqueItems'] === true) {
    issues.forbidden(
      `${at}.uniqueItems`,
      'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
    )
  }
  const listType = schema['x-kubernetes-list-type']
  if (listType === undefined) return
  if (schema['type'] !== 'array')
    issues.invalid(`${at}.type`, schema['type'] ?? '', 'must be array if x-kubernetes-list-type is specified')
  if (listType !== 'atomic' && listType !== 'set' && listType !== 'map') {
    issues.notSupported(`${at}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map'])
  }
  const keys = schema['x-kubernetes-list-map-keys']
  if (listType === 'map' && !(Array.isArray(keys) && keys.length > 0)) {
    issues.required(`${at}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map')
  }
}

/** Inside allOf, anyOf, oneOf and not, schemas only narrow: nothing there may shape the object. */
function validateBranch(schema: unknown, at: string, issues: Issues, depth: number): void {
  if (!isObject(schema) || depth > MAX_SCHEMA_DEPTH) return
  validatePattern(schema['pattern'], `${at}.pattern`, issues)
  const narrowsType = schema['type'] !== undefined && schema['type'] !== ''
  if (narrowsType && !/\.anyOf\[[01]\]$/.test(at)) issues.forbidden(`${at}.type`, 'must be empty to be structural')
  for (const key of [
    'default',
    'nullable',
    'additionalProperties',
    'description',
    'title',
    'x-kubernetes-preserve-unknown-fields',
  ]) {
    if (schema[key] !== undefined && schema[key] !== false && schema[key] !== '')
      issues.forbidden(`${at}.${key}`, 'must be undefined to be structural')
  }
  const { properties, items } = schema
  for (const [key, property] of Object.entries(isObject(properties) ? properties : {})) {
    validateBranch(property, `${at}.properties[${key}]`, issues, depth + 1)
  }
  if (items !== undefined) validateBranch(items, `${at}.items`, issues, depth + 1)
  for (const key of ['allOf', 'anyOf', 'oneOf']) {
    const branches = schema[key]
    for (const [i, branch] of (Array.isArray(branches) ? branches : []).entries()) {
      validateBranch(branch, `${at}.${key}[${i}]`, issues, depth + 1)
    }
  }
}

function validatePattern(pattern: unknown, at: string, issues: Issues): void {
  if (typeof pattern !== 'string') return
  try {
    compilePattern(pattern)
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    issues.invalid(at, pattern, `must be a valid regular expression, but isn't: ${error.message}`)
  }
}
