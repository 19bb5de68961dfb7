// Checks the defaults of a CRD's schema: what the server fills in must itself be valid, by the schema and by its rules.

import { compileRuleValidator } from '../../apimachinery/cel/schema/rule-validator.ts'
import { Issues } from '../../apimachinery/issues.ts'
import { isObject } from '../../apimachinery/objects.ts'
import { compileSchema, type JsonSchema } from '../../apimachinery/schema-validator.ts'

/** `at` is the path of a root schema that is structural. */
export function validateDefaults(schema: JsonSchema, at: string, issues: Issues): void {
  if ('default' in schema) validateDefault(schema, `${at}.default`, issues)
  const { items, properties } = schema
  if (isObject(items)) validateDefaults(items, `${at}.items`, issues)
  for (const [name, property] of Object.entries(isObject(properties) ? properties : {})) {
    if (isObject(property)) validateDefaults(property, `${at}.properties[${name}]`, issues)
  }
}

export function hasDefaults(schema: JsonSchema): boolean {
  if ('default' in schema) return true
  const { items, properties, additionalProperties } = schema
  const inner = [items, additionalProperties, ...Object.values(isObject(properties) ? properties : {})]
  return inner.some((part) => isObject(part) && hasDefaults(part))
}

function validateDefault(schema: JsonSchema, at: string, issues: Issues): void {
  const value = schema['default']
  if (hasUnknown(value, schema)) issues.invalid(at, value, 'must not have unknown fields')
  const own = new Issues()
  compileSchema(schema)(value, at, own)
  for (const issue of own.list) issues.add(issue)
  if (own.list.length > 0) return
  // As it is made, and as it is kept: rules about what was see the default itself.
  const check = compileRuleValidator(schema, { isResource: schema['x-kubernetes-embedded-resource'] === true, at })
  const warn = (): void => undefined
  check?.(value, { issues: own, warn, old: value })
  if (own.list.length === 0) check?.(value, { issues: own, warn })
  for (const issue of own.list) issues.add(issue)
}

/** Whether pruning would take something away. */
function hasUnknown(value: unknown, schema: JsonSchema): boolean {
  if (Array.isArray(value)) {
    const { items } = schema
    return isObject(items) && value.some((item) => hasUnknown(item, items))
  }
  if (!isObject(value)) return false
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  const additional = schema['additionalProperties']
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || additional === true
  const isResource = schema['x-kubernetes-embedded-resource'] === true
  return Object.entries(value).some(([name, member]) => {
    const own = Object.hasOwn(properties, name) ? properties[name] : additional
    if (isObject(own)) return hasUnknown(member, own)
    return !open && !(isResource && ['apiVersion', 'kind', 'metadata'].includes(name))
  })
}
