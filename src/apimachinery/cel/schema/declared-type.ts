// The CEL type of a structural schema, with how large its values can be.

import { isObject } from '../../objects.ts'
import type { JsonSchema } from '../../schema-validator.ts'
import {
  BOOL,
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  listOf,
  mapOf,
  STRING,
  structType,
  TIMESTAMP,
  type Type,
} from '../types.ts'
import { escapeProperty } from './property-names.ts'

export interface DeclaredType {
  readonly type: Type
  /** Items, entries or characters, at most. */
  readonly maxElements: number
  /** The shortest JSON that such a value has. */
  readonly minSize: number
  readonly element?: DeclaredType
  readonly key?: DeclaredType
  /** By escaped name. */
  readonly fields?: ReadonlyMap<string, DeclaredType>
}

export const MAX_REQUEST_BYTES = 3 * 1024 * 1024
const MAX_TIME_LENGTH = 32
const DATE_LENGTH = 12

const simple = (type: Type, minSize: number, maxElements = 0): DeclaredType => ({ type, minSize, maxElements })
const ANY_STRING = simple(STRING, 2)

/** undefined: nothing is known about such values, and expressions cannot see them. */
export function declaredType(schema: JsonSchema, isResource: boolean): DeclaredType | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) {
    return simple(DYN, 1, maxLength(schema, 4) ?? MAX_REQUEST_BYTES - 2)
  }
  const whole = isResource ? withObjectMeta(schema) : schema
  switch (whole['type']) {
    case 'array':
      return listType(whole)
    case 'object':
      return isObject(whole['additionalProperties']) ? mapType(whole) : objectType(whole)
    case 'string':
      return stringType(whole)
    case 'boolean':
      return simple(BOOL, 4)
    case 'number':
      return simple(DOUBLE, 1)
    case 'integer':
      return simple(INT, 1)
    default:
      return undefined
  }
}

const isEmbedded = (schema: JsonSchema): boolean => schema['x-kubernetes-embedded-resource'] === true

function numberAt(schema: JsonSchema, key: string): number | undefined {
  const value = schema[key]
  return typeof value === 'number' ? Math.max(0, value) : undefined
}

/** `maxLength` counts characters, each of which may be four bytes. */
function maxLength(schema: JsonSchema, perCharacter: number): number | undefined {
  const max = numberAt(schema, 'maxLength')
  return max === undefined ? undefined : max * perCharacter
}

function listType(schema: JsonSchema): DeclaredType | undefined {
  const { items } = schema
  const element = isObject(items) ? declaredType(items, isEmbedded(items)) : undefined
  if (!element) return undefined
  const fits = Math.floor((MAX_REQUEST_BYTES - 2) / (element.minSize + 1))
  return { type: listOf(element.type), maxElements: numberAt(schema, 'maxItems') ?? fits, minSize: 2, element }
}

function mapType(schema: JsonSchema): DeclaredType | undefined {
  const additional = schema['additionalProperties']
  const element = isObject(additional) ? declaredType(additional, isEmbedded(additional)) : undefined
  if (!element) return undefined
  const fits = Math.floor((MAX_REQUEST_BYTES - 2) / (element.minSize + 6))
  const maxElements = numberAt(schema, 'maxProperties') ?? fits
  return { type: mapOf(STRING, element.type), maxElements, minSize: 2, element, key: ANY_STRING }
}

function objectType(schema: JsonSchema): DeclaredType {
  const { properties, required } = schema
  const fields = new Map<string, DeclaredType>()
  let minSize = 2
  for (const [name, property] of Object.entries(isObject(properties) ? properties : {})) {
    if (!isObject(property)) continue
    const field = declaredType(property, isEmbedded(property))
    if (!field) continue
    const escaped = escapeProperty(name)
    if (escaped !== undefined) fields.set(escaped, field)
    // What has a default is filled in by the server: nobody has to send it.
    const isSent = Array.isArray(required) && required.includes(name) && !('default' in property)
    if (isSent) minSize += name.length + field.minSize + 4
  }
  return { type: structType('object'), maxElements: 0, minSize, fields }
}

function stringType(schema: JsonSchema): DeclaredType {
  switch (schema['format']) {
    case 'byte':
      return simple(BYTES, 2, maxLength(schema, 1) ?? MAX_REQUEST_BYTES - 2)
    case 'duration':
      return simple(DURATION, 3, MAX_TIME_LENGTH)
    case 'date':
      return simple(TIMESTAMP, DATE_LENGTH, DATE_LENGTH)
    case 'date-time':
      return simple(TIMESTAMP, 21, MAX_TIME_LENGTH)
  }
  const values = schema['enum']
  const longest = Array.isArray(values) && values.length > 0 ? longestText(values) : undefined
  return simple(STRING, 2, maxLength(schema, 4) ?? longest ?? MAX_REQUEST_BYTES - 2)
}

function longestText(values: readonly unknown[]): number {
  const encoder = new TextEncoder()
  return values.reduce((longest: number, value) => {
    return typeof value === 'string' ? Math.max(longest, encoder.encode(value).length) : longest
  }, 0)
}

/** A resource's name and kind can be asked for whatever its schema says of them. */
export function withObjectMeta(schema: JsonSchema): JsonSchema {
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  const text = { type: 'string' }
  const metadata = { type: 'object', properties: { name: text, generateName: text } }
  return { ...schema, properties: { ...properties, kind: text, apiVersion: text, metadata } }
}

/** The type with every object named: by `name` and the way to it. Fills `fieldsOf` with the fields of each. */
export function named(declared: DeclaredType, name: string, fieldsOf: Map<string, ReadonlyMap<string, Type>>): Type {
  const { fields, element, key } = declared
  if (fields) {
    const types = new Map<string, Type>()
    for (const [field, type] of fields) types.set(field, named(type, `${name}.${field}`, fieldsOf))
    fieldsOf.set(name, types)
    return structType(name)
  }
  if (!element) return declared.type
  if (key) return mapOf(STRING, named(element, `${name}.@elem`, fieldsOf))
  return listOf(named(element, `${name}.@idx`, fieldsOf))
}

/** The size that costs are estimated from. `path` begins with the name of a variable. */
export function sizeAt(root: DeclaredType, path: readonly string[]): { min: number; max: number } | undefined {
  let at: DeclaredType | undefined = root
  for (const step of path.slice(1)) {
    if (step === '@items' || step === '@values') at = at.element
    else if (step === '@keys') at = at.key
    else at = at.fields?.get(step)
    if (!at) return undefined
  }
  return { min: 0, max: at.maxElements }
}
