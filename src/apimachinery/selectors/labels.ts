// Label selectors: the query string's grammar, the LabelSelector object, and what matches them (apimachinery `labels`).

import type { LabelSelector } from '../metadata.ts'

export type Operator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt'

export interface Requirement {
  key: string
  operator: Operator
  values: readonly string[]
}

export type Labels = Readonly<Record<string, string>>

export class Selector {
  readonly requirements: readonly Requirement[]

  constructor(requirements: readonly Requirement[]) {
    this.requirements = requirements
  }

  /** An empty selector matches everything. */
  get isEmpty(): boolean {
    return this.requirements.length === 0
  }

  matches(labels: Labels | undefined): boolean {
    for (const requirement of this.requirements) if (!meets(requirement, labels ?? {})) return false
    return true
  }

  /** The canonical query string: `app in (a,b),tier=web,!gone`. */
  toString(): string {
    return this.requirements.map(requirementText).join(',')
  }
}

export const EVERYTHING = new Selector([])
/** What a null LabelSelector selects. */
export const NOTHING = new Selector([{ key: '', operator: 'In', values: [] }])

function meets({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
    case 'Lt': {
      if (value === undefined || !/^[+-]?\d{1,18}$/.test(value)) return false
      const [a, b] = [BigInt(value.replace('+', '')), BigInt((values[0] ?? '0').replace('+', ''))]
      return operator === 'Gt' ? a > b : a < b
    }
  }
}

function requirementText({ key, operator, values }: Requirement): string {
  const set = `(${[...values].sort().join(',')})`
  switch (operator) {
    case 'In':
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in ${set}`
    case 'NotIn':
      return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin ${set}`
    case 'Exists':
      return key
    case 'DoesNotExist':
      return `!${key}`
    case 'Gt':
      return `${key}>${values[0]}`
    case 'Lt':
      return `${key}<${values[0]}`
  }
}

/** The selector of a LabelSelector object; an absent one selects nothing, an empty one everything. */
export function selectorOf(selector: Readonly<LabelSelector> | undefined | null): Selector {
  if (!selector) return NOTHING
  const requirements: Requirement[] = []
  for (const [key, value] of Object.entries(selector.matchLabels ?? {}))
    requirements.push({ key, operator: 'In', values: [value] })
  for (const { key, operator, values } of selector.matchExpressions ?? [])
    requirements.push({ key, operator, values: values ?? [] })
  return new Selector(requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)))
}

/** The selector of a plain map, as Services and ReplicationControllers have it; an empty one selects nothing there. */
export function selectorOfMap(labels: Labels | undefined): Selector {
  const entries = Object.entries(labels ?? {})
  if (entries.length === 0) return NOTHING
  return selectorOf({ matchLabels: labels as Record<string, string> })
}

const KEY =
  /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)$/
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/
/** A selector longer than this is not parsed. */
const MAX_LENGTH = 64 * 1024

/** Parses a query string's selector. Throws an Error with upstream's words. */
export function parseLabelSelector(text: string): Selector {
  if (text.length > MAX_LENGTH)
    throw new Error(`unable to parse requirement: selector is longer than ${MAX_LENGTH} characters`)
  const requirements = new Parser(text).parse()
  for (const requirement of requirements) check(requirement)
  return new Selector(requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)))
}

function check({ key, operator, values }: Requirement): void {
  if (!KEY.test(key)) {
    throw new Error(
      `unable to parse requirement: <nil>: Invalid value: ${JSON.stringify(key)}: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
    )
  }
  if (operator === 'Gt' || operator === 'Lt') {
    if (!/^[+-]?\d{1,18}$/.test(values[0] ?? '')) {
      throw new Error(
        `unable to parse requirement: values[0][${key}]: Invalid value: ${JSON.stringify(values[0])}: for 'Gt', 'Lt' operators, the value must be an integer`,
      )
    }
    return
  }
  for (const [i, value] of values.entries()) {
    if (VALUE.test(value)) continue
    throw new Error(
      `unable to parse requirement: values[${i}][${key}]: Invalid value: ${JSON.stringify(value)}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
    )
  }
}

interface Token {
  kind: 'word' | '=' | '==' | '!=' | '!' | '(' | ')' | ',' | '>' | '<' | 'end'
  text: string
}

const SYMBOLS = ['==', '!=', '=', '!', '(', ')', ',', '>', '<'] as const

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    if (/\s/.test(text[at] ?? '')) {
      at++
      continue
    }
    const symbol = SYMBOLS.find((s) => text.startsWith(s, at))
    if (symbol) {
      tokens.push({ kind: symbol, text: symbol })
      at += symbol.length
      continue
    }
    let end = at
    while (end < text.length && !/[\s=!(),<>]/.test(text[end] ?? '')) end++
    tokens.push({ kind: 'word', text: text.slice(at, end) })
    at = end
  }
  tokens.push({ kind: 'end', text: '' })
  return tokens
}

class Parser {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(text: string) {
    this.#tokens = tokenize(text)
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = []
    if (this.#peek().kind === 'end') return requirements
    for (;;) {
      requirements.push(this.#requirement())
      const next = this.#next()
      if (next.kind === 'end') return requirements
      if (next.kind !== ',')
        throw new Error(`unable to parse requirement: found '${next.text}', expected: ',' or 'end of string'`)
      const after = this.#peek()
      if (after.kind !== 'word' && after.kind !== '!') {
        throw new Error(`unable to parse requirement: found '${after.text}', expected: identifier after ','`)
      }
    }
  }

  #requirement(): Requirement {
    if (this.#peek().kind === '!') {
      this.#next()
      return { key: this.#word(), operator: 'DoesNotExist', values: [] }
    }
    const key = this.#word()
    const next = this.#peek()
    if (next.kind === 'end' || next.kind === ',') return { key, operator: 'Exists', values: [] }
    this.#next()
    switch (next.kind) {
      case '=':
      case '==':
        return { key, operator: 'In', values: [this.#value()] }
      case '!=':
        return { key, operator: 'NotIn', values: [this.#value()] }
      case '>':
        return { key, operator: 'Gt', values: [this.#value()] }
      case '<':
        return { key, operator: 'Lt', values: [this.#value()] }
      case 'word':
        if (next.text === 'in') return { key, operator: 'In', values: this.#set() }
        if (next.text === 'notin') return { key, operator: 'NotIn', values: this.#set() }
        break
      default:
    }
    throw new Error(`unable to parse requirement: found '${next.text}', expected: in, notin, =, ==, !=, gt, lt`)
  }

  /** An exact value may be missing: `a=` is `a` with an empty value. */
  #value(): string {
    return this.#peek().kind === 'word' ? this.#next().text : ''
  }

  #set(): string[] {
    const open = this.#next()
    if (open.kind !== '(') throw new Error(`unable to parse requirement: found '${open.text}' expected: '('`)
    const values: string[] = []
    for (;;) {
      const token = this.#next()
      if (token.kind === ')') {
        values.push('')
        break
      }
      if (token.kind === ',') {
        values.push('')
        continue
      }
      if (token.kind !== 'word')
        throw new Error(`unable to parse requirement: found '${token.text}', expected: ',', ')' or identifier`)
      values.push(token.text)
      const next = this.#next()
      if (next.kind === ')') break
      if (next.kind !== ',') throw new Error(`unable to parse requirement: found '${next.text}', expected: ',' or ')'`)
      if (this.#peek().kind === ')') {
        values.push('')
        this.#next()
        break
      }
    }
    return [...new Set(values)]
  }

  #word(): string {
    const token = this.#next()
    if (token.kind === 'word') return token.text
    throw new Error(`unable to parse requirement: found '${token.text}', expected: !, identifier, or 'end of string'`)
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '' }
  }

  #next(): Token {
    const token = this.#peek()
    this.#at++
    return token
  }
}
