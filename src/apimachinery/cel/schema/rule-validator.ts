// Runs the rules of a schema over an object: budgets of cost, transition rules, messages, and what may stay as wrong as it was.

import { Correlated, indexed, keyOfItems } from '../../correlation.ts'
import type { Issues } from '../../issues.ts'
import { Issues as IssueList } from '../../issues.ts'
import { isObject } from '../../objects.ts'
import type { JsonSchema } from '../../schema-validator.ts'
import type { Outcome } from '../plan.ts'
import { Failed, NONE, OptionalValue, type Value } from '../values.ts'
import { type CompiledRule, compileRules, type Rule, rulesOf } from './compile-rules.ts'
import { type View, viewOf } from './data.ts'
import { type DeclaredType, declaredType } from './declared-type.ts'
import { escapeProperty } from './property-names.ts'

/** What all rules of one object may cost together, and one evaluation of one. */
export const OBJECT_COST_BUDGET = 10_000_000
export const EXPRESSION_COST_LIMIT = 1_000_000
const MAX_MESSAGE_BYTES = 5 * 1024

export interface RuleRun {
  issues: Issues
  /** What was wrong before and was not touched. */
  warn(text: string): void
  /** An update: rules about `oldSelf` run, and unchanged parts are not refused. */
  old?: unknown
}

/** undefined: the schema has no rules. Compiled once, run on every write. */
export function compileRuleValidator(
  schema: JsonSchema,
  { isResource = true, at = '' } = {},
): ((object: unknown, run: RuleRun) => void) | undefined {
  if (!hasRules(schema)) return undefined
  const node = nodeOf(schema, schema, declaredType(schema, isResource), isResource)
  if (!node) return undefined
  return (object, run) => {
    const correlation = run.old === undefined ? undefined : new Correlated(object, run.old, schema)
    const walk = new Walk(run)
    walk.visit(node, { at, value: object, old: run.old, correlation, nearest: undefined })
  }
}

export function hasRules(schema: JsonSchema): boolean {
  if (rulesOf(schema).length > 0) return true
  const { items, properties } = schema
  const additional = schema['additionalProperties']
  const below = [items, additional, ...(isObject(properties) ? Object.values(properties) : [])]
  const branches = schema['allOf']
  return [...below, ...(Array.isArray(branches) ? branches : [])].some((child) => isObject(child) && hasRules(child))
}

/** A node of the schema that has rules, or has such nodes below it. */
interface Node {
  readonly schema: JsonSchema
  readonly rules: readonly CompiledRule[]
  readonly view: View
  readonly items?: Node
  readonly additional?: Node
  readonly properties: ReadonlyMap<string, Node>
  readonly allOf: readonly Node[]
}

const isEmbedded = (schema: JsonSchema): boolean => schema['x-kubernetes-embedded-resource'] === true

/** `validation` is the schema, or a branch of its allOf, which has rules but no types; `schema` has the types. */
function nodeOf(
  validation: JsonSchema,
  schema: JsonSchema,
  declared: DeclaredType | undefined,
  isResource: boolean,
): Node | undefined {
  const rules: readonly Rule[] = rulesOf(validation)
  const compiled = declared && rules.length > 0 ? compileRules(rules, schema, declared) : []
  const properties = new Map<string, Node>()
  const below = isObject(validation['properties']) ? validation['properties'] : {}
  const typed = isObject(schema['properties']) ? schema['properties'] : {}
  for (const [name, property] of Object.entries(below)) {
    const own = Object.hasOwn(typed, name) ? typed[name] : undefined
    if (!isObject(property) || !isObject(own)) continue
    const escaped = escapeProperty(name)
    const type = escaped === undefined ? declaredType(own, isEmbedded(own)) : declared?.fields?.get(escaped)
    const node = type && nodeOf(property, own, type, isEmbedded(own))
    if (node) properties.set(name, node)
  }
  const child = (key: 'items' | 'additionalProperties'): Node | undefined => {
    const [branch, own] = [validation[key], schema[key]]
    return isObject(branch) && isObject(own) ? nodeOf(branch, own, declared?.element, isEmbedded(own)) : undefined
  }
  const [items, additional] = [child('items'), child('additionalProperties')]
  const branches = validation['allOf']
  const allOf = (Array.isArray(branches) ? branches : [])
    .filter(isObject)
    .flatMap((branch) => nodeOf(branch, schema, declared, isResource) ?? [])
  if (compiled.length === 0 && !items && !additional && properties.size === 0 && allOf.length === 0) return undefined
  return {
    schema,
    rules: compiled,
    view: viewOf(schema, isResource),
    properties,
    allOf,
    ...(items ? { items } : {}),
    ...(additional ? { additional } : {}),
  }
}

interface Place {
  at: string
  value: unknown
  old: unknown
  /** This part as it was, if there is a way to tell. */
  correlation: Correlated | undefined
  /** The nearest part above it of which that could be told. */
  nearest: Correlated | undefined
}

const BUDGET = 'validation failed due to running out of cost budget, no further validation rules will be run'

class Walk {
  readonly #run: RuleRun
  #budget = OBJECT_COST_BUDGET

  constructor(run: RuleRun) {
    this.#run = run
  }

  visit(node: Node, place: Place): void {
    const { value } = place
    if (value === null || value === undefined) return
    this.#rules(node, place)
    for (const branch of node.allOf) {
      if (this.#budget < 0) return
      // Branches of allOf are not ratcheted on their own, as upstream.
      this.visit(branch, { ...place, correlation: undefined })
    }
    if (this.#budget < 0) return
    if (Array.isArray(value)) this.#items(node, place, value)
    else if (isObject(value)) this.#members(node, place, value)
  }

  #items(node: Node, place: Place, value: readonly unknown[]): void {
    const { items } = node
    if (!items) return
    const keyOf = keyOfItems(node.schema)
    const old = keyOf && Array.isArray(place.old) ? indexed(place.old, keyOf) : undefined
    for (const [i, item] of value.entries()) {
      if (this.#budget < 0) return
      this.visit(items, {
        at: `${place.at}[${i}]`,
        value: item,
        old: keyOf && old?.get(keyOf(item)),
        ...below(place, (correlation) => correlation.index(i)),
      })
    }
  }

  #members(node: Node, place: Place, value: Readonly<Record<string, unknown>>): void {
    for (const [name, member] of Object.entries(value)) {
      if (this.#budget < 0) return
      const property = node.properties.get(name)
      const child = property ?? node.additional
      if (!child) continue
      const old = isObject(place.old) && Object.hasOwn(place.old, name) ? place.old[name] : undefined
      this.visit(child, {
        at: property ? joined(place.at, name) : `${place.at}[${name}]`,
        value: member,
        old,
        ...below(place, (correlation) => correlation.key(name)),
      })
    }
  }

  #rules(node: Node, place: Place): void {
    if (node.rules.length === 0) return
    const at = place.at === '' ? '<nil>' : place.at
    const type = node.schema['type'] ?? ''
    if (this.#budget <= 0) {
      this.#run.issues.invalid(at, type, BUDGET)
      this.#budget = -1
      return
    }
    const self = node.view(place.value)
    const hasOld = place.old !== null && place.old !== undefined
    const old = hasOld ? node.view(place.old) : undefined
    for (const rule of node.rules) {
      if (rule.error !== undefined) this.#run.issues.invalid(at, type, `rule compile error: ${rule.error}`)
      const optional = rule.rule.optionalOldSelf === true
      if (!rule.compiled || (rule.usesOldSelf && !hasOld && !optional)) continue
      const oldSelf: Value = optional ? (old === undefined ? NONE : new OptionalValue(old)) : (old ?? null)
      this.#evaluate(node, place, rule, [self, oldSelf])
      if (this.#budget < 0) return
    }
  }

  #evaluate(node: Node, place: Place, rule: CompiledRule, variables: readonly Value[]): void {
    const outcome = rule.compiled?.program.run(variables, EXPRESSION_COST_LIMIT)
    if (!outcome) return
    const at = place.at === '' ? '<nil>' : place.at
    const type = node.schema['type'] ?? ''
    const say = (text: string): void => this.#run.issues.invalid(at, type, text)
    if (outcome.cost > this.#budget) {
      say(BUDGET)
      this.#budget = -1
      return
    }
    this.#budget -= outcome.cost
    const { value } = outcome
    if (value === true) return
    const shown = ruleText(rule.rule)
    if (outcome.exceeded) {
      say(`'${text(value)}': no further validation rules will be run due to call cost exceeds limit for rule: ${shown}`)
      this.#budget = -1
    } else if (value instanceof Failed) {
      if (value.message.startsWith('no such overload')) {
        say(
          `'${value.message}': call arguments did not match a supported operator, function or macro signature for rule: ${shown}`,
        )
      } else say(`${value.message} evaluating rule: ${shown}`)
    } else this.#refuse(node, place, rule, variables)
  }

  #refuse(node: Node, place: Place, rule: CompiledRule, variables: readonly Value[]): void {
    const field = joined(place.at, rule.fieldPath) || '<nil>'
    const type = node.schema['type'] ?? ''
    const own = new IssueList()
    const message = this.#message(rule, variables)
    if (typeof message === 'object') own.invalid(field, type, message.refusal)
    else {
      const omitted = type === 'object' || type === 'array'
      addReason(own, { field, value: omitted ? undefined : place.value, detail: message, reason: rule.rule.reason })
    }
    const { correlation, nearest } = place
    const unchanged = (correlation ?? nearest)?.unchanged === true
    for (const issue of own.list) {
      if (unchanged && !rule.usesOldSelf) this.#run.warn(`${issue.field}: ${issue.message}`)
      else this.#run.issues.add(issue)
    }
  }

  #message({ rule, message }: CompiledRule, variables: readonly Value[]): string | { refusal: string } {
    const plain = rule.message ? rule.message.trim() : `failed rule: ${ruleText(rule)}`
    if (!message) return plain
    const outcome: Outcome = message.program.run(variables, EXPRESSION_COST_LIMIT)
    const quoted = JSON.stringify(rule.messageExpression)
    if (outcome.cost > this.#budget) {
      this.#budget = -1
      const refusal =
        'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run'
      return { refusal }
    }
    if (outcome.exceeded) {
      this.#budget = -1
      const refusal = `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${quoted}`
      return { refusal }
    }
    this.#budget -= outcome.cost
    if (typeof outcome.value !== 'string') return plain
    const trimmed = outcome.value.trim()
    const isUsable =
      trimmed !== '' && !trimmed.includes('\n') && new TextEncoder().encode(trimmed).length <= MAX_MESSAGE_BYTES
    return isUsable ? trimmed : plain
  }
}

function text(value: Value): string {
  return value instanceof Failed ? value.message : ''
}

const ruleText = ({ rule, message }: Rule): string => (message || rule).trim()

function below(
  { correlation, nearest }: Place,
  find: (correlation: Correlated) => Correlated | undefined,
): Pick<Place, 'correlation' | 'nearest'> {
  return correlation ? { correlation: find(correlation), nearest: correlation } : { correlation, nearest }
}

function joined(at: string, name: string): string {
  if (at === '' || name === '') return at + name
  return name.startsWith('[') ? at + name : `${at}.${name}`
}

interface Refusal {
  field: string
  /** undefined: left out of the text. */
  value: unknown
  detail: string
  reason: string | undefined
}

function addReason(issues: Issues, { field, value, detail, reason }: Refusal): void {
  const shown = value === undefined ? '' : `: ${JSON.stringify(value)}`
  switch (reason) {
    case 'FieldValueForbidden':
      issues.forbidden(field, detail)
      return
    case 'FieldValueRequired':
      issues.required(field, detail)
      return
    case 'FieldValueDuplicate':
      issues.add({ field, reason: 'FieldValueDuplicate', message: `Duplicate value${shown}` })
      return
    default:
      issues.add({ field, reason: 'FieldValueInvalid', message: `Invalid value${shown}: ${detail}` })
  }
}
