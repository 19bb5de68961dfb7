// JSONPath as printer columns, selectable fields and scale paths write it: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`.

import { isObject } from './objects.ts'

type Step =
  | { kind: 'key'; key: string }
  | { kind: 'all' }
  | { kind: 'slice'; from: number | undefined; to: number | undefined }
  | { kind: 'index'; index: number }
  | { kind: 'filter'; left: readonly Step[]; operator: string; right: string | number | boolean | null | undefined }

/** A parsed path. */
export interface JsonPath {
  readonly text: string
  readonly steps: readonly Step[]
}

/** Longer paths are refused. */
export const MAX_PATH_LENGTH = 4096
/** One evaluation looks at no more values than this; what lies behind them is not found. */
export const MAX_VISITS = 10_000

/** Reads `.a.b`, `{.a.b}` or `$.a.b`; throws an Error on text that is no path. */
export function parseJsonPath(text: string): JsonPath {
  if (text.length > MAX_PATH_LENGTH) throw new Error(`path is longer than ${MAX_PATH_LENGTH} characters`)
  const inner = text.startsWith('{') && text.endsWith('}') ? text.slice(1, -1) : text
  return { text, steps: parseSteps(inner.startsWith('$') ? inner.slice(1) : inner, text) }
}

const KEY = /^\.((?:[^.[\]\\(){}'"\s]|\\.)+)/
const QUOTED = /^\[(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\]/
const INDEX = /^\[(-?\d{1,9})\]/
const SLICE = /^\[(-?\d{1,9})?:(-?\d{1,9})?\]/
const ALL = /^(?:\.\*|\[\*\])/
const FILTER =
  /^\[\?\(\s*@((?:[^'"()=!<>]|'[^']*'|"[^"]*")*?)\s*(?:(==|!=|<=|>=|<|>)\s*('[^']*'|"[^"]*"|-?\d+(?:\.\d+)?|true|false|null))?\s*\)\]/

function parseSteps(path: string, whole: string): Step[] {
  const steps: Step[] = []
  let rest = path === '.' ? '' : path
  while (rest !== '') {
    const [step, length] = parseStep(rest, whole)
    steps.push(step)
    rest = rest.slice(length)
  }
  return steps
}

function parseStep(rest: string, whole: string): [Step, number] {
  let match = ALL.exec(rest)
  if (match) return [{ kind: 'all' }, match[0].length]
  match = KEY.exec(rest)
  if (match) return [{ kind: 'key', key: unescaped(match[1] ?? '') }, match[0].length]
  match = QUOTED.exec(rest)
  if (match) return [{ kind: 'key', key: unescaped(match[1] ?? match[2] ?? '') }, match[0].length]
  match = INDEX.exec(rest)
  if (match) return [{ kind: 'index', index: Number(match[1]) }, match[0].length]
  match = SLICE.exec(rest)
  if (match) return [{ kind: 'slice', from: bound(match[1]), to: bound(match[2]) }, match[0].length]
  match = FILTER.exec(rest)
  if (match) {
    const [all, left = '', operator = '', right] = match
    return [{ kind: 'filter', left: parseSteps(left, whole), operator, right: literal(right) }, all.length]
  }
  throw new Error(`cannot read the path ${JSON.stringify(whole)} at ${JSON.stringify(rest.slice(0, 64))}`)
}

const unescaped = (text: string): string => text.replace(/\\(.)/gs, '$1')
const bound = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text))

function literal(text: string | undefined): string | number | boolean | null | undefined {
  if (text === undefined) return undefined
  if (text.startsWith("'") || text.startsWith('"')) return text.slice(1, -1)
  if (text === 'true' || text === 'false') return text === 'true'
  return text === 'null' ? null : Number(text)
}

/** All values at the path, in the object's order. */
export function findJsonPath(path: JsonPath, value: unknown): unknown[] {
  return find(path.steps, value, { left: MAX_VISITS })
}

function find(steps: readonly Step[], value: unknown, visits: { left: number }): unknown[] {
  let values = [value]
  for (const step of steps) {
    const next: unknown[] = []
    for (const current of values) {
      for (const found of take(step, current, visits)) {
        if (visits.left-- <= 0) return next
        next.push(found)
      }
    }
    values = next
  }
  return values
}

function* take(step: Step, value: unknown, visits: { left: number }): Iterable<unknown> {
  switch (step.kind) {
    case 'key':
      if (isObject(value) && Object.hasOwn(value, step.key)) yield value[step.key]
      return
    case 'all':
      if (Array.isArray(value)) yield* value
      else if (isObject(value)) yield* Object.values(value)
      return
    case 'index': {
      const found: unknown = Array.isArray(value) ? value.at(step.index) : undefined
      if (found !== undefined) yield found
      return
    }
    case 'slice':
      if (Array.isArray(value)) yield* value.slice(step.from, step.to)
      return
    case 'filter':
      if (!Array.isArray(value)) return
      for (const element of value) {
        if (visits.left-- <= 0) return
        if (find(step.left, element, visits).some((left) => holds(left, step.operator, step.right))) yield element
      }
  }
}

function holds(left: unknown, operator: string, right: unknown): boolean {
  if (operator === '') return true
  if (operator === '==') return left === right
  if (operator === '!=') return left !== right
  const comparable =
    (typeof left === 'number' && typeof right === 'number') || (typeof left === 'string' && typeof right === 'string')
  if (!comparable) return false
  const order = left < right ? -1 : left > right ? 1 : 0
  if (operator === '<') return order < 0
  if (operator === '<=') return order <= 0
  return operator === '>' ? order > 0 : order >= 0
}
