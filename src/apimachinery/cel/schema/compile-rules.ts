// Compiles the rules of one node of a schema.

import type { JsonSchema } from '../../schema-validator.ts'
import { estimateCost } from '../cost.ts'
import { type Compiled, compile, type Environment, InstantiationError } from '../environment.ts'
import { CompileError } from '../errors.ts'
import { kubernetesEstimates } from '../libraries/call-estimates.ts'
import { optionalOf, type Type } from '../types.ts'
import { type DeclaredType, MAX_REQUEST_BYTES, named, sizeAt } from './declared-type.ts'
import { resolveFieldPath } from './field-path.ts'

/** `x-kubernetes-validations`, one rule. */
export interface Rule {
  rule: string
  message?: string
  messageExpression?: string
  reason?: string
  fieldPath?: string
  optionalOldSelf?: boolean
}

export interface CompiledRule {
  readonly rule: Rule
  readonly compiled?: Compiled
  readonly error?: string
  readonly usesOldSelf: boolean
  /** The most one evaluation can cost. */
  readonly maxCost: number
  readonly message?: Compiled
  readonly messageError?: string
  readonly messageMaxCost: number
  /** Relative to the node. */
  readonly fieldPath: string
}

export const SELF = 'self'
export const OLD_SELF = 'oldSelf'
const SELF_TYPE = 'selfType'

export function rulesOf(schema: JsonSchema): readonly Rule[] {
  const rules = schema['x-kubernetes-validations']
  return Array.isArray(rules) ? (rules as readonly Rule[]) : []
}

/** How often a node can stand in an object of the largest size, where no schema bounds it. */
export function maxCardinality(declared: DeclaredType): number {
  return Math.floor(MAX_REQUEST_BYTES / (declared.minSize + 1))
}

export function compileRules(rules: readonly Rule[], schema: JsonSchema, declared: DeclaredType): CompiledRule[] {
  const fields = new Map<string, ReadonlyMap<string, Type>>()
  const self = named(declared, SELF_TYPE, fields)
  const environmentOf = (old: Type): Environment => ({
    variables: new Map([
      [SELF, self],
      [OLD_SELF, old],
    ]),
    fieldsOf: (name) => fields.get(name),
  })
  const [plain, optional] = [environmentOf(self), environmentOf(optionalOf(self))]
  return rules.map((rule) => compileRule(rule, schema, declared, rule.optionalOldSelf === true ? optional : plain))
}

function compileRule(rule: Rule, schema: JsonSchema, declared: DeclaredType, environment: Environment): CompiledRule {
  const nothing = { rule, usesOldSelf: false, maxCost: 0, messageMaxCost: 0, fieldPath: '' }
  if (rule.rule.trim() === '') return nothing
  const compiled = tryCompile(rule.rule, environment)
  if (typeof compiled === 'string') return { ...nothing, error: compiled }
  if (compiled.type.kind !== 'bool') return { ...nothing, error: 'cel expression must evaluate to a bool' }
  const usesOldSelf = compiled.uses.has(OLD_SELF)
  const path = rule.fieldPath ? resolveFieldPath(rule.fieldPath, schema) : ''
  const fieldPath = typeof path === 'string' ? '' : path.path
  const whole = { ...nothing, compiled, usesOldSelf, maxCost: costOf(compiled, declared), fieldPath }
  if (!rule.messageExpression) return whole
  const message = tryCompile(rule.messageExpression, environment)
  if (typeof message === 'string')
    return { ...whole, messageError: `messageExpression ${message.replace('program ', '')}` }
  if (message.type.kind !== 'string') return { ...whole, messageError: 'messageExpression must evaluate to a string' }
  return { ...whole, message, messageMaxCost: costOf(message, declared) }
}

function tryCompile(source: string, environment: Environment): Compiled | string {
  try {
    return compile(source, environment)
  } catch (error) {
    if (error instanceof InstantiationError) return `program instantiation failed: ${error.message}`
    if (!(error instanceof CompileError)) throw error
    return `compilation failed: ${error.message}`
  }
}

function costOf({ expr }: Compiled, declared: DeclaredType): number {
  const sizeOf = (path: readonly string[]): { min: number; max: number } | undefined => sizeAt(declared, path)
  return estimateCost(expr, sizeOf, kubernetesEstimates(sizeOf)).max
}
