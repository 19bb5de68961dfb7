// Checks the rules of a CRD's schema (x-kubernetes-validations): that they compile, that they cannot cost too much, that they can be
// decided on every write.

import {
  type CompiledRule,
  compileRules,
  maxCardinality,
  type Rule,
} from '../../apimachinery/cel/schema/compile-rules.ts'
import { declaredType } from '../../apimachinery/cel/schema/declared-type.ts'
import { resolveFieldPath } from '../../apimachinery/cel/schema/field-path.ts'
import type { Issues } from '../../apimachinery/issues.ts'
import type { JsonSchema } from '../../apimachinery/schema-validator.ts'
import type { JSONSchemaProps, ValidationRule } from './json-schema.ts'

/** What one rule may cost on the largest object, and what all rules of a version may. */
export const RULE_COST_LIMIT = 10_000_000
export const SCHEMA_COST_LIMIT = 100_000_000
/** Rules that are named when all together cost too much. */
const NAMED_RULES = 4

const AT = 'x-kubernetes-validations'

/** `at` is the path of a root schema that is structural. */
export function validateRules(schema: JSONSchemaProps, at: string, issues: Issues): void {
  const checker = new RuleChecker(issues)
  checker.visit(schema, { at, isRoot: true, cardinality: 1, uncorrelatable: undefined })
  checker.total(at)
}

interface Place {
  at: string
  isRoot: boolean
  /** How often the node can stand in an object; undefined: nothing bounds it. */
  cardinality: number | undefined
  /** The list or map above it whose parts cannot be found in the object as it was. */
  uncorrelatable: string | undefined
}

class RuleChecker {
  readonly #issues: Issues
  #total = 0
  readonly #dear: { at: string; cost: number }[] = []

  constructor(issues: Issues) {
    this.#issues = issues
  }

  /** False: something in it is not even worth compiling. */
  visit(schema: JSONSchemaProps, place: Place): boolean {
    let sound = true
    const cardinality = multiplied(place.cardinality, maxElements(schema))
    const child = (below: JSONSchemaProps, at: string, uncorrelatable: string | undefined): void => {
      if (!this.visit(below, { at, isRoot: false, cardinality, uncorrelatable })) sound = false
    }
    const inherited = place.uncorrelatable
    if (typeof schema.additionalProperties === 'object') {
      child(schema.additionalProperties, `${place.at}.additionalProperties`, inherited)
    }
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      child(property, `${place.at}.properties[${name}]`, inherited)
    }
    if (schema.items !== undefined && !Array.isArray(schema.items)) {
      const byKey = schema['x-kubernetes-list-type'] === 'map'
      child(schema.items, `${place.at}.items`, byKey ? inherited : (inherited ?? place.at))
    }
    const rules = schema[AT] ?? []
    rules.forEach((rule, i) => {
      if (!this.#form(rule, schema, `${place.at}.${AT}[${i}]`)) sound = false
    })
    if (sound && rules.length > 0) this.#compile(rules, schema, place)
    return sound
  }

  #form(rule: ValidationRule, schema: JSONSchemaProps, at: string): boolean {
    const before = this.#issues.list.length
    // The schema refuses a rule without its text, and everything else is looked at all the same.
    const given: string | undefined = rule.rule
    if (given === undefined) return false
    const [text, message] = [given.trim(), rule.message?.trim() ?? '']
    if (text === '') this.#issues.required(`${at}.rule`, 'rule is not specified')
    else if (rule.message && message === '') {
      this.#issues.invalid(`${at}.message`, rule.message, 'must be non-empty if specified')
    } else if (/[\n\r]/.test(message)) {
      this.#issues.invalid(`${at}.message`, rule.message, 'must not contain line breaks')
    } else if (/[\n\r]/.test(text) && message === '') {
      this.#issues.required(`${at}.message`, 'message must be specified if rule contains line breaks')
    }
    if (rule.messageExpression && rule.messageExpression.trim() === '') {
      this.#issues.required(`${at}.messageExpression`, 'messageExpression must be non-empty if specified')
    }
    const { fieldPath } = rule
    if (fieldPath) {
      if (fieldPath.trim() === '') this.#issues.invalid(`${at}.fieldPath`, fieldPath, 'must be non-empty if specified')
      if (/[\n\r]/.test(fieldPath)) this.#issues.invalid(`${at}.fieldPath`, fieldPath, 'must not contain line breaks')
      if (typeof resolveFieldPath(fieldPath, asJson(schema)) === 'string') {
        this.#issues.invalid(`${at}.fieldPath`, fieldPath, 'must be a valid path')
      }
    }
    return this.#issues.list.length === before
  }

  #compile(rules: readonly ValidationRule[], schema: JSONSchemaProps, place: Place): void {
    const json = asJson(schema)
    const declared = declaredType(json, place.isRoot || schema['x-kubernetes-embedded-resource'] === true)
    if (!declared) {
      const message =
        'internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations'
      this.#issues.add({ field: `${place.at}.${AT}`, reason: 'InternalError', message: `Internal error: ${message}` })
      return
    }
    const times = place.cardinality ?? maxCardinality(declared)
    const plain: readonly Rule[] = rules
    compileRules(plain, json, declared).forEach((compiled, i) => {
      this.#judge(compiled, rules[i] ?? { rule: '' }, { at: `${place.at}.${AT}[${i}]`, times, place })
    })
  }

  #judge(compiled: CompiledRule, rule: ValidationRule, where: { at: string; times: number; place: Place }): void {
    const { at, times, place } = where
    const issues = this.#issues
    const cost = compiled.maxCost * times
    if (cost > RULE_COST_LIMIT) {
      issues.forbidden(`${at}.rule`, costMessage('estimated rule cost', cost, RULE_COST_LIMIT))
    }
    this.#observe(`${at}.rule`, cost)
    if (compiled.error !== undefined) issues.invalid(`${at}.rule`, shownRule(rule), compiled.error)
    if (compiled.messageError !== undefined) {
      issues.invalid(`${at}.messageExpression`, shownRule(rule), compiled.messageError)
    } else if (compiled.message) {
      const messageCost = compiled.messageMaxCost
      if (messageCost > RULE_COST_LIMIT) {
        const message = costMessage('estimated messageExpression cost', messageCost, RULE_COST_LIMIT)
        issues.forbidden(`${at}.messageExpression`, message)
      }
      this.#observe(`${at}.messageExpression`, messageCost)
    }
    if (compiled.usesOldSelf) {
      if (place.uncorrelatable === undefined) return
      const detail = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${place.uncorrelatable}`
      issues.invalid(`${at}.rule`, rule.rule, detail)
    } else if (rule.optionalOldSelf !== undefined) {
      issues.invalid(`${at}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule')
    }
  }

  #observe(at: string, cost: number): void {
    this.#total += cost
    if (cost >= SCHEMA_COST_LIMIT / 100) this.#dear.push({ at, cost })
  }

  total(at: string): void {
    if (this.#total <= SCHEMA_COST_LIMIT) return
    const dearest = this.#dear.sort((a, b) => b.cost - a.cost).slice(0, NAMED_RULES)
    const message = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'
    for (const rule of dearest) this.#issues.forbidden(rule.at, message)
    const name = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema'
    this.#issues.forbidden(at, costMessage(name, this.#total, SCHEMA_COST_LIMIT))
  }
}

/** The walkers of apimachinery read schemas as plain JSON. */
function asJson(schema: JSONSchemaProps): JsonSchema {
  return schema as unknown as JsonSchema
}

function multiplied(cardinality: number | undefined, elements: number | undefined): number | undefined {
  return cardinality === undefined || elements === undefined ? undefined : cardinality * elements
}

function maxElements(schema: JSONSchemaProps): number | undefined {
  if (schema.type === 'array') return schema.maxItems === undefined ? undefined : Math.max(0, schema.maxItems)
  if (schema.type !== 'object' || schema.additionalProperties === undefined) return 1
  return schema.maxProperties === undefined ? undefined : Math.max(0, schema.maxProperties)
}

function costMessage(name: string, cost: number, limit: number): string {
  const times = cost / limit
  const factor = times > 100 ? 'more than 100x' : `${times.toFixed(times < 1.5 ? 6 : 1)}x`
  return `${name} exceeds budget by factor of ${factor} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`
}

/** A rule as upstream's internal type prints: all fields, in capitals. */
function shownRule(rule: ValidationRule): object {
  return {
    Rule: rule.rule,
    Message: rule.message ?? '',
    MessageExpression: rule.messageExpression ?? '',
    Reason: rule.reason ?? null,
    FieldPath: rule.fieldPath ?? '',
    OptionalOldSelf: rule.optionalOldSelf ?? null,
  }
}
