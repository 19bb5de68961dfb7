// Checks that a schema is structural: that every value's type can be told from the schema alone, so that objects can be pruned and defaulted.

import { Issues } from '../../apimachinery/issues.ts'
import { compilePattern, PatternError } from '../../apimachinery/pattern.ts'
import type { JSONSchemaProps } from './json-schema.ts'

/** How deep a schema may go; beyond it nothing is looked at, and it is refused. */
export const MAX_SCHEMA_DEPTH = 200

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string']
const FORBIDDEN = [
  ['$ref', '$ref is not supported'],
  ['definitions', 'definitions is not supported'],
  ['dependencies', 'dependencies is not supported'],
  ['patternProperties', 'patternProperties is not supported'],
  ['additionalItems', 'additionalItems is not supported'],
  ['id', 'id is not supported'],
] as const

/** What only a structural schema has to have: where nothing is pruned, nothing need be known of values that are not spoken of. */
const STRUCTURAL_ONLY = [
  'must not be empty for specified object fields',
  'must not be empty for specified array items',
  'must be empty to be structural',
  'must not be empty at the root',
]

/** The schema of a definition that prunes nothing. */
export function validateLooseRootSchema(schema: JSONSchemaProps, at: string, issues: Issues): void {
  const own = new Issues()
  validateRootSchema(schema, at, own)
  for (const issue of own.list) {
    if (!STRUCTURAL_ONLY.some((message) => issue.message.endsWith(message))) issues.add(issue)
  }
}

export function validateRootSchema(schema: JSONSchemaProps, at: string, issues: Issues): void {
  if (schema.type !== undefined && schema.type !== 'object') {
    issues.invalid(`${at}.type`, schema.type, 'must be object at the root')
  }
  if (schema.nullable === true) issues.forbidden(`${at}.nullable`, 'nullable cannot be true at the root')
  validateSchema(schema, at, issues, 0)
  if (schema.type === undefined) issues.required(`${at}.type`, 'must not be empty at the root')
}

function validateSchema(schema: JSONSchemaProps, at: string, issues: Issues, depth: number): void {
  if (depth > MAX_SCHEMA_DEPTH) {
    issues.invalid(at, '', `must not be nested more than ${MAX_SCHEMA_DEPTH} levels deep`)
    return
  }
  for (const [key, message] of FORBIDDEN) if (schema[key] !== undefined) issues.forbidden(`${at}.${key}`, message)
  if (schema.uniqueItems === true)
    issues.forbidden(
      `${at}.uniqueItems`,
      'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
    )
  if (schema.type !== undefined && !TYPES.includes(schema.type)) issues.notSupported(`${at}.type`, schema.type, TYPES)
  validatePattern(schema.pattern, at, issues)
  validateExtensions(schema, at, issues)
  validateLists(schema, at, issues)
  if (schema.properties !== undefined && isSaid(schema.additionalProperties)) {
    issues.forbidden(`${at}.additionalProperties`, 'additionalProperties and properties are mutual exclusive')
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const here = `${at}.properties[${name}]`
    requireType(property, here, 'must not be empty for specified object fields', issues)
    validateSchema(property, here, issues, depth + 1)
  }
  if (Array.isArray(schema.items)) {
    issues.forbidden(`${at}.items`, 'items must be a schema object and not an array')
  } else if (schema.items !== undefined) {
    requireType(schema.items, `${at}.items`, 'must not be empty for specified array items', issues)
    validateSchema(schema.items, `${at}.items`, issues, depth + 1)
  }
  if (typeof schema.additionalProperties === 'object') {
    const here = `${at}.additionalProperties`
    requireType(schema.additionalProperties, here, 'must not be empty for specified object fields', issues)
    validateSchema(schema.additionalProperties, here, issues, depth + 1)
  }
  for (const key of ['allOf', 'anyOf', 'oneOf'] as const) {
    schema[key]?.forEach((junctor, i) => {
      validateJunctor(junctor, `${at}.${key}[${i}]`, issues, schema['x-kubernetes-int-or-string'] === true)
    })
  }
  if (schema.not !== undefined) validateJunctor(schema.not, `${at}.not`, issues, false)
}

function validatePattern(pattern: string | undefined, at: string, issues: Issues): void {
  if (pattern === undefined) return
  try {
    compilePattern(pattern)
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    issues.invalid(`${at}.pattern`, pattern, `must be a valid regular expression, but isn't: ${error.message}`)
  }
}

/** `additionalProperties: true` says nothing. */
function isSaid(additional: JSONSchemaProps['additionalProperties']): boolean {
  return additional !== undefined && additional !== true
}

function requireType(schema: JSONSchemaProps, at: string, message: string, issues: Issues): void {
  const untyped =
    schema['x-kubernetes-int-or-string'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true
  if (schema.type === undefined && !untyped) issues.required(`${at}.type`, message)
}

function validateExtensions(schema: JSONSchemaProps, at: string, issues: Issues): void {
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    issues.invalid(`${at}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined')
  }
  if (schema['x-kubernetes-int-or-string'] === true && schema.type !== undefined) {
    issues.forbidden(`${at}.type`, 'must be empty if x-kubernetes-int-or-string is true')
  }
  if (schema['x-kubernetes-embedded-resource'] !== true) return
  if (schema.type !== 'object') {
    issues.invalid(`${at}.type`, schema.type ?? '', 'must be object if x-kubernetes-embedded-resource is true')
  }
  if (schema.properties === undefined && schema['x-kubernetes-preserve-unknown-fields'] !== true) {
    issues.required(
      `${at}.properties`,
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
    )
  }
}

function validateLists(schema: JSONSchemaProps, at: string, issues: Issues): void {
  if (schema.type === 'array' && schema.items === undefined) issues.required(`${at}.items`, 'must be specified')
  const listType = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  if (listType !== undefined) {
    if (schema.type !== 'array') {
      issues.invalid(`${at}.type`, schema.type ?? '', 'must be array if x-kubernetes-list-type is specified')
    }
    const legal = ['atomic', 'set', 'map']
    if (!legal.includes(listType)) issues.notSupported(`${at}.x-kubernetes-list-type`, listType, legal)
  }
  if (listType === 'map') {
    if (keys.length === 0) {
      issues.required(`${at}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map')
    }
    const items = Array.isArray(schema.items) ? undefined : schema.items
    for (const [i, key] of keys.entries()) {
      if (items?.properties?.[key] === undefined) {
        issues.invalid(`${at}.x-kubernetes-list-map-keys[${i}]`, key, 'must name a property of the items')
      }
    }
  } else if (keys.length > 0) {
    issues.required(`${at}.x-kubernetes-list-type`, 'must be map if x-kubernetes-list-map-keys is non-empty')
  }
  const mapType = schema['x-kubernetes-map-type']
  if (mapType !== undefined && mapType !== 'atomic' && mapType !== 'granular') {
    issues.notSupported(`${at}.x-kubernetes-map-type`, mapType, ['atomic', 'granular'])
  }
}

const JUNCTOR_FORBIDDEN = ['description', 'type', 'default', 'title', 'nullable', 'additionalProperties'] as const

/** Inside allOf, anyOf, oneOf and not a schema may only restrict values, never shape them. */
function validateJunctor(schema: JSONSchemaProps, at: string, issues: Issues, intOrString: boolean): void {
  validatePattern(schema.pattern, at, issues)
  for (const key of JUNCTOR_FORBIDDEN) {
    if (schema[key] === undefined || (key === 'type' && intOrString)) continue
    issues.forbidden(`${at}.${key}`, 'must be empty to be structural')
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    validateJunctor(property, `${at}.properties[${name}]`, issues, false)
  }
  if (schema.items !== undefined && !Array.isArray(schema.items)) {
    validateJunctor(schema.items, `${at}.items`, issues, false)
  }
}
