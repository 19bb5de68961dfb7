// Checks a custom resource against its CRD's JSON schema, with the words of upstream's validator.

import type { Correlated } from './correlation.ts'
import type { Issues } from './issues.ts'
import { Issues as IssueList } from './issues.ts'
import { isObject } from './objects.ts'
import { compilePattern } from './pattern.ts'
import { SCHEMA_FORMATS } from './schema-formats.ts'

export type JsonSchema = Readonly<Record<string, unknown>>
/** `was`: on updates, the same part of the object as it was. What is unchanged is not checked again: it may be wrong by a newer schema. */
export type CheckSchema = (value: unknown, at: string, issues: Issues, was?: Correlated) => void

/** Compiles once; the check runs on every write. Throws a PatternError when a pattern is none. */
export function compileSchema(schema: JsonSchema): CheckSchema {
  const checks = [listTypeCheck, ...RULES].flatMap((rule) => rule(schema) ?? [])
  const typeMatches = typeCheck(schema)
  const nullable = schema['nullable'] === true
  return (value, at, issues, was) => {
    if (value === undefined || (value === null && nullable) || was?.unchanged) return
    if (!typeMatches(value, at, issues)) return
    for (const check of checks) check(value, at, issues, was)
  }
}

type Rule = (schema: JsonSchema) => CheckSchema | CheckSchema[] | undefined

const schemaAt = (schema: JsonSchema, key: string): JsonSchema | undefined => {
  const value = schema[key]
  return isObject(value) ? value : undefined
}
const numberAt = (schema: JsonSchema, key: string): number | undefined => {
  const value = schema[key]
  return typeof value === 'number' ? value : undefined
}
const listAt = (schema: JsonSchema, key: string): readonly unknown[] => {
  const value = schema[key]
  return Array.isArray(value) ? value : []
}

/** What JSON schema calls the type of a value. */
function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

function typeCheck(schema: JsonSchema): (value: unknown, at: string, issues: Issues) => boolean {
  const { type } = schema
  if (schema['x-kubernetes-int-or-string'] === true) {
    return (value, at, issues) => {
      const actual = typeOf(value)
      if (actual === 'integer' || actual === 'string') return true
      issues.typeInvalid(
        at,
        shownValue(value),
        `${at} in body must be of type integer,string: ${JSON.stringify(actual)}`,
      )
      return false
    }
  }
  if (typeof type !== 'string' || type === '') return () => true
  return (value, at, issues) => {
    const actual = typeOf(value)
    if (actual === type || (type === 'number' && actual === 'integer')) return true
    issues.typeInvalid(at, shownValue(value), `${at} in body must be of type ${type}: ${JSON.stringify(actual)}`)
    return false
  }
}

/** Upstream names the type where the value is not a scalar. */
function shownValue(value: unknown): unknown {
  return typeof value === 'object' ? typeOf(value) : value
}

const propertiesRule: Rule = (schema) => {
  const checks = Object.entries(schemaAt(schema, 'properties') ?? {}).flatMap(([key, property]) =>
    isObject(property) ? [[key, compileSchema(property)] as const] : [],
  )
  if (checks.length === 0) return undefined
  return (value, at, issues, was) => {
    if (!isObject(value)) return
    for (const [key, check] of checks) {
      if (Object.hasOwn(value, key)) check(value[key], join(at, key), issues, was?.key(key))
    }
  }
}

const requiredRule: Rule = (schema) => {
  const keys = listAt(schema, 'required').map(String)
  if (keys.length === 0) return undefined
  return (value, at, issues) => {
    if (!isObject(value)) return
    for (const key of keys) if (!Object.hasOwn(value, key)) issues.required(join(at, key))
  }
}

const additionalRule: Rule = (schema) => {
  const additional = schema['additionalProperties']
  const known = schemaAt(schema, 'properties') ?? {}
  if (additional === false) {
    return (value, at, issues) => {
      for (const key of Object.keys(isObject(value) ? value : {})) {
        if (!Object.hasOwn(known, key))
          issues.invalid(join(at, key), key, `${at}.${key} in body is a forbidden property`)
      }
    }
  }
  if (!isObject(additional)) return undefined
  const check = compileSchema(additional)
  return (value, at, issues, was) => {
    for (const [key, member] of Object.entries(isObject(value) ? value : {})) {
      if (!Object.hasOwn(known, key)) check(member, join(at, key), issues, was?.key(key))
    }
  }
}

const itemsRule: Rule = (schema) => {
  const items = schemaAt(schema, 'items')
  if (items === undefined) return undefined
  const check = compileSchema(items)
  return (value, at, issues, was) => {
    if (!Array.isArray(value)) return
    for (const [i, item] of value.entries()) check(item, `${at}[${i}]`, issues, was?.index(i))
  }
}

const sizesRule: Rule = (schema) => {
  const [minItems, maxItems] = [numberAt(schema, 'minItems'), numberAt(schema, 'maxItems')]
  const [minProperties, maxProperties] = [numberAt(schema, 'minProperties'), numberAt(schema, 'maxProperties')]
  if ([minItems, maxItems, minProperties, maxProperties].every((bound) => bound === undefined)) return undefined
  return (value, at, issues) => {
    if (Array.isArray(value)) {
      const size = value.length
      if (minItems !== undefined && size < minItems)
        issues.invalid(at, size, `${at} in body should have at least ${minItems} items`)
      if (maxItems !== undefined && size > maxItems) issues.tooMany(at, size, maxItems)
    } else if (isObject(value)) {
      const size = Object.keys(value).length
      if (minProperties !== undefined && size < minProperties)
        issues.invalid(at, size, `${at} in body should have at least ${minProperties} properties`)
      if (maxProperties !== undefined && size > maxProperties) issues.tooMany(at, size, maxProperties)
    }
  }
}

const numberRule: Rule = (schema) => {
  const [min, max, step] = [numberAt(schema, 'minimum'), numberAt(schema, 'maximum'), numberAt(schema, 'multipleOf')]
  const format = schema['format']
  const bound = format === 'int32' ? 2 ** 31 : format === 'int64' ? 2 ** 63 : Number.POSITIVE_INFINITY
  const [above, below] = [schema['exclusiveMinimum'] === true, schema['exclusiveMaximum'] === true]
  return (value, at, issues) => {
    if (typeof value !== 'number') return
    const say = (what: string): void => issues.invalid(at, value, `${at} in body should be ${what}`)
    if (min !== undefined && (above ? value <= min : value < min))
      say(`greater than ${above ? '' : 'or equal to '}${min}`)
    if (max !== undefined && (below ? value >= max : value > max)) say(`less than ${below ? '' : 'or equal to '}${max}`)
    if (step !== undefined && step > 0 && !isMultiple(value, step)) say(`a multiple of ${step}`)
    if (value >= bound || value < -bound)
      issues.invalid(at, value, `Checked value must be of type integer with format ${String(format)} in body`)
  }
}

function isMultiple(value: number, step: number): boolean {
  const times = value / step
  return Math.abs(times - Math.round(times)) < 1e-9 * Math.max(1, Math.abs(times))
}

const stringRule: Rule = (schema) => {
  const { pattern, format } = schema
  const [min, max] = [numberAt(schema, 'minLength'), numberAt(schema, 'maxLength')]
  const compiled = typeof pattern === 'string' && pattern !== '' ? compilePattern(pattern) : undefined
  const hasFormat = typeof format === 'string' && Object.hasOwn(SCHEMA_FORMATS, format)
  const isFormat = hasFormat ? SCHEMA_FORMATS[format] : undefined
  if (compiled === undefined && isFormat === undefined && min === undefined && max === undefined) return undefined
  return (value, at, issues) => {
    if (typeof value !== 'string') return
    const length = min === undefined && max === undefined ? 0 : [...value].length
    if (max !== undefined && length > max) issues.tooLong(at, max)
    if (min !== undefined && length < min)
      issues.invalid(at, value, `${at} in body should be at least ${min} chars long`)
    if (compiled?.test(value) === false) issues.invalid(at, value, `${at} in body should match '${compiled.source}'`)
    if (isFormat?.(value) === false)
      issues.typeInvalid(at, value, `${at} in body must be of type ${String(format)}: ${JSON.stringify(value)}`)
  }
}

const enumRule: Rule = (schema) => {
  const values = listAt(schema, 'enum')
  if (values.length === 0) return undefined
  const known = new Set(values.map((value) => JSON.stringify(value)))
  const shown = values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
  return (value, at, issues) => {
    if (!known.has(JSON.stringify(value))) issues.notSupported(at, value, shown)
  }
}

const uniqueRule: Rule = (schema) => {
  if (schema['uniqueItems'] !== true) return undefined
  return (value, at, issues) => {
    if (!Array.isArray(value)) return
    if (new Set(value.map(canonical)).size < value.length)
      issues.invalid(at, '', `${at} in body shouldn't contain duplicates`)
  }
}

/** Equal values have equal texts, whatever the order of their keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    isObject(member) ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1))) : member,
  )
}

/** `x-kubernetes-list-type`: sets and maps have no duplicates. */
const listTypeCheck: Rule = (schema) => {
  const type = schema['x-kubernetes-list-type']
  if (type !== 'set' && type !== 'map') return undefined
  const keys = listAt(schema, 'x-kubernetes-list-map-keys').map(String)
  const identity = (item: unknown): unknown => {
    if (type === 'set' || !isObject(item)) return item
    return Object.fromEntries(keys.filter((key) => Object.hasOwn(item, key)).map((key) => [key, item[key]]))
  }
  return (value, at, issues) => {
    if (!Array.isArray(value)) return
    const seen = new Set<string>()
    value.map(identity).forEach((id, i) => {
      const text = canonical(id)
      if (seen.has(text)) issues.duplicate(`${at}[${i}]`, id)
      seen.add(text)
    })
  }
}

const embeddedRule: Rule = (schema) => {
  if (schema['x-kubernetes-embedded-resource'] !== true) return undefined
  return (value, at, issues) => {
    if (!isObject(value)) return
    for (const key of ['apiVersion', 'kind']) {
      if (typeof value[key] !== 'string' || value[key] === '') issues.required(join(at, key), 'must not be empty')
    }
  }
}

/** How many of `checks` take the value. */
function passing(checks: readonly CheckSchema[], value: unknown, at: string): number {
  return checks.filter((check) => {
    const own = new IssueList()
    check(value, at, own)
    return own.list.length === 0
  }).length
}

// Upstream reports failed unions without a place of their own.
const NOWHERE = '<nil>'

const unionsRule: Rule = (schema) => {
  const branches = (key: string): CheckSchema[] => listAt(schema, key).filter(isObject).map(compileSchema)
  const [anyOf, oneOf, allOf] = [branches('anyOf'), branches('oneOf'), branches('allOf')]
  const not = schemaAt(schema, 'not')
  const forbidden = not && compileSchema(not)
  // Branches judge what is there now, whatever was there before.
  const checks: CheckSchema[] = allOf.map((check) => (value, at, issues) => check(value, at, issues))
  if (anyOf.length > 0) {
    checks.push((value, at, issues) => {
      if (passing(anyOf, value, at) === 0)
        issues.invalid(NOWHERE, '', `"${at}" must validate at least one schema (anyOf)`)
    })
  }
  if (oneOf.length > 0) {
    checks.push((value, at, issues) => {
      const count = passing(oneOf, value, at)
      const found = count === 0 ? 'Found none valid' : `Found ${count} valid alternatives`
      if (count !== 1) issues.invalid(NOWHERE, '', `"${at}" must validate one and only one schema (oneOf). ${found}`)
    })
  }
  if (forbidden !== undefined) {
    checks.push((value, at, issues) => {
      if (passing([forbidden], value, at) === 1)
        issues.invalid(NOWHERE, '', `"${at}" must not validate the schema (not)`)
    })
  }
  return checks
}

const RULES: readonly Rule[] = [
  propertiesRule,
  requiredRule,
  additionalRule,
  itemsRule,
  sizesRule,
  numberRule,
  stringRule,
  enumRule,
  uniqueRule,
  embeddedRule,
  unionsRule,
]

function join(at: string, key: string): string {
  return at === '' ? key : `${at}.${key}`
}
