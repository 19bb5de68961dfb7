// Checks what a job says of failures that count, fail or are forgotten, and of when it has succeeded early.

import type { Issues } from '../../../apimachinery/issues.ts'
import { checkQualifiedName, checkValue } from '../../../apimachinery/validation.ts'
import {
  CONDITION_STATUSES,
  EXIT_CODE_OPERATORS,
  FAILURE_ACTIONS,
  type JobSpec,
  type PodFailurePolicyOnExitCodesRequirement,
  type PodFailurePolicyOnPodConditionsPattern,
  type PodFailurePolicyRule,
  type SuccessPolicyRule,
} from './fields.ts'
import { countIndexes, parseIndexes } from './indexes.ts'

const MAX_RULES = 20
const MAX_EXIT_CODES = 255
const MAX_PATTERNS = 20
const MAX_INDEXES_BYTES = 64 * 1024

/** `value` is one of `values`; upstream lists them in Go's form where it is missing. */
function validateChoice(value: string | undefined, values: readonly string[], at: string, issues: Issues): void {
  const listed = values.map((choice) => JSON.stringify(choice)).join(' ')
  if (value === undefined || value === '') issues.required(at, `valid values: [${listed}]`)
  else if (!values.includes(value)) issues.notSupported(at, value, values)
}

export function validatePodFailurePolicy(spec: JobSpec, at: string, issues: Issues): void {
  const rules = spec.podFailurePolicy?.rules ?? []
  const here = `${at}.podFailurePolicy.rules`
  if (rules.length > MAX_RULES) issues.tooMany(here, rules.length, MAX_RULES)
  rules.forEach((rule, i) => {
    validateFailureRule(rule, spec, `${here}[${i}]`, issues)
  })
}

function validateFailureRule(rule: PodFailurePolicyRule, spec: JobSpec, at: string, issues: Issues): void {
  const { onExitCodes, onPodConditions = [] } = rule
  validateChoice(rule.action, FAILURE_ACTIONS, `${at}.action`, issues)
  if (rule.action === 'FailIndex' && spec.backoffLimitPerIndex === undefined) {
    issues.invalid(`${at}.action`, rule.action, 'requires the backoffLimitPerIndex to be set')
  }
  if (onExitCodes !== undefined) validateExitCodes(onExitCodes, spec, `${at}.onExitCodes`, issues)
  if (onPodConditions.length > 0) validateConditions(onPodConditions, `${at}.onPodConditions`, issues)
  if (onExitCodes !== undefined && onPodConditions.length > 0) {
    issues.invalidUnshown(at, 'specifying both OnExitCodes and OnPodConditions is not supported')
  }
  if (onExitCodes === undefined && onPodConditions.length === 0) {
    issues.invalidUnshown(at, 'specifying one of OnExitCodes and OnPodConditions is required')
  }
}

function validateConditions(
  patterns: readonly PodFailurePolicyOnPodConditionsPattern[],
  at: string,
  issues: Issues,
): void {
  if (patterns.length > MAX_PATTERNS) issues.tooMany(at, patterns.length, MAX_PATTERNS)
  patterns.forEach(({ type, status }, i) => {
    checkValue(type ?? '', checkQualifiedName, `${at}[${i}].type`, issues)
    validateChoice(status, CONDITION_STATUSES, `${at}[${i}].status`, issues)
  })
}

function validateExitCodes(
  { operator, containerName, values }: PodFailurePolicyOnExitCodesRequirement,
  { template }: JobSpec,
  at: string,
  issues: Issues,
): void {
  validateChoice(operator, EXIT_CODE_OPERATORS, `${at}.operator`, issues)
  const { containers = [], initContainers = [] } = template.spec
  const known = [...containers, ...initContainers].map(({ name }) => name)
  if (containerName !== undefined && !known.includes(containerName)) {
    const wanted = 'must be one of the container or initContainer names in the pod template'
    issues.invalid(`${at}.containerName`, containerName, wanted)
  }
  if (values.length === 0) issues.invalid(`${at}.values`, values, 'at least one value is required')
  else if (values.length > MAX_EXIT_CODES) issues.tooMany(`${at}.values`, values.length, MAX_EXIT_CODES)
  const seen = new Set<number>()
  values.forEach((code, i) => {
    if (operator === 'In' && code === 0) {
      issues.invalid(`${at}.values[${i}]`, code, 'must not be 0 for the In operator')
    }
    if (seen.has(code)) issues.duplicate(`${at}.values[${i}]`, code)
    seen.add(code)
  })
  if (values.some((code, i) => i > 0 && (values[i - 1] ?? code) > code)) {
    issues.invalid(`${at}.values`, values, 'must be ordered')
  }
}

export function validateSuccessPolicy(spec: JobSpec, at: string, issues: Issues): void {
  const rules = spec.successPolicy?.rules ?? []
  const here = `${at}.successPolicy.rules`
  if (rules.length === 0) {
    issues.required(here, 'at least one rules must be specified when the successPolicy is specified')
  }
  if (rules.length > MAX_RULES) issues.tooMany(here, rules.length, MAX_RULES)
  rules.forEach((rule, i) => {
    validateSuccessRule(rule, spec.completions ?? 0, `${here}[${i}]`, issues)
  })
}

function validateSuccessRule(rule: SuccessPolicyRule, completions: number, at: string, issues: Issues): void {
  const { succeededCount: count, succeededIndexes: indexes } = rule
  if (count === undefined && indexes === undefined) {
    issues.required(at, 'at least one of succeededCount or succeededIndexes must be specified')
  }
  const total = indexes === undefined ? undefined : validateSucceeded(indexes, completions, at, issues)
  if (count === undefined) return
  if (count > completions) {
    const bound = `must be less than or equal to ${completions} (the number of specified completions)`
    issues.invalid(`${at}.succeededCount`, count, bound)
  }
  if (total !== undefined && count > total) {
    const bound = `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`
    issues.invalid(`${at}.succeededCount`, count, bound)
  }
}

/** Answers how many indexes there are. */
function validateSucceeded(indexes: string, completions: number, at: string, issues: Issues): number {
  const here = `${at}.succeededIndexes`
  if (indexes.length > MAX_INDEXES_BYTES) issues.tooLong(here, MAX_INDEXES_BYTES)
  try {
    return countIndexes(parseIndexes(indexes, completions))
  } catch (error) {
    issues.invalid(here, indexes, `error parsing succeededIndexes: ${(error as Error).message}`)
    return 0
  }
}
