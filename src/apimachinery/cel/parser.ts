// Reads an expression into its tree, macros expanded. Depth and length are bounded before anything is built.

import type { Expr, MapEntry } from './ast.ts'
import { qualifiedName } from './ast.ts'
import { CompileError, type Problem } from './errors.ts'
import { MAX_INT, MIN_INT, SyntaxProblem, type Token, tokenize } from './lexer.ts'
import { expandMacro, type MacroBuilder } from './macros.ts'
import { Failed, type Value } from './values.ts'

/** The longest expression, in code units, and the deepest (upstream's parser has both). */
export const MAX_EXPRESSION_LENGTH = 100_000
export const MAX_EXPRESSION_DEPTH = 250

const RESERVED = new Set([
  ...['as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package'],
  ...['namespace', 'return', 'var', 'void', 'while'],
])
const RELATIONS = new Set(['<', '<=', '>=', '>', '==', '!=', 'in'])
const EXPECTED =
  "expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"

/** Throws a CompileError that names every problem. */
export function parse(source: string): Expr {
  const problems: Problem[] = []
  if (source.length > MAX_EXPRESSION_LENGTH) {
    const message = `expression code point size exceeds limit: size: ${source.length}, limit ${MAX_EXPRESSION_LENGTH}`
    throw new CompileError('', [{ at: 0, message }])
  }
  try {
    const expr = new Parser(source, problems).whole()
    if (problems.length === 0) return expr
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error
    problems.push({ at: error.at, message: error.message })
  }
  throw new CompileError(source, problems)
}

class Parser implements MacroBuilder {
  readonly #tokens: Token[]
  readonly #problems: Problem[]
  #next = 0
  #id = 0
  #depth = 0

  constructor(source: string, problems: Problem[]) {
    this.#tokens = tokenize(source)
    this.#problems = problems
  }

  id(): number {
    return ++this.#id
  }

  problem(at: number, message: string): void {
    this.#problems.push({ at, message })
  }

  whole(): Expr {
    const expr = this.#expression()
    const { kind, text, at } = this.#peek()
    if (kind !== 'end') throw new SyntaxProblem(at, `Syntax error: mismatched input '${text}' expecting <EOF>`)
    return expr
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', text: '<EOF>', at: 0 }
  }

  #take(): Token {
    const token = this.#peek()
    this.#next++
    return token
  }

  #accept(operator: string): Token | undefined {
    const token = this.#peek()
    return token.kind === 'op' && token.text === operator ? this.#take() : undefined
  }

  #expect(operator: string): Token {
    const found = this.#accept(operator)
    if (found) return found
    const { text, at } = this.#peek()
    throw new SyntaxProblem(at, `Syntax error: mismatched input '${text}' expecting '${operator}'`)
  }

  /** Chains lean to the left: each link is a level of the tree. */
  #bounded(depth: number): void {
    if (depth <= MAX_EXPRESSION_DEPTH) return
    throw new SyntaxProblem(this.#peek().at, `expression recursion limit exceeded: ${MAX_EXPRESSION_DEPTH}`)
  }

  #call(name: string, at: number, args: Expr[]): Expr {
    return { is: 'call', id: this.id(), at, name, args }
  }

  #expression(): Expr {
    this.#bounded(++this.#depth)
    const condition = this.#logical('||', () => this.#logical('&&', () => this.#relation()))
    const question = this.#accept('?')
    let expr = condition
    if (question) {
      const then = this.#logical('||', () => this.#logical('&&', () => this.#relation()))
      this.#expect(':')
      expr = this.#call('_?_:_', question.at, [condition, then, this.#expression()])
    }
    this.#depth--
    return expr
  }

  /** A chain of one operator becomes a balanced tree, so that long chains are not deep. */
  #logical(operator: string, operand: () => Expr): Expr {
    const terms = [operand()]
    const places: number[] = []
    for (let token = this.#accept(operator); token; token = this.#accept(operator)) {
      places.push(token.at)
      terms.push(operand())
    }
    const build = (from: number, to: number): Expr => {
      if (from === to) return terms[from] ?? this.#literal(null, 0)
      const middle = Math.floor((from + to) / 2)
      return this.#call(`_${operator}_`, places[middle] ?? 0, [build(from, middle), build(middle + 1, to)])
    }
    return build(0, terms.length - 1)
  }

  #relation(): Expr {
    let left = this.#sum()
    let links = 0
    while (this.#peek().kind === 'op' && RELATIONS.has(this.#peek().text)) {
      this.#bounded(++links)
      const { text, at } = this.#take()
      left = this.#call(text === 'in' ? '@in' : `_${text}_`, at, [left, this.#sum()])
    }
    return left
  }

  #sum(): Expr {
    let left = this.#product()
    for (let links = 0; ; links++) {
      this.#bounded(links)
      const token = this.#accept('+') ?? this.#accept('-')
      if (!token) return left
      left = this.#call(`_${token.text}_`, token.at, [left, this.#product()])
    }
  }

  #product(): Expr {
    let left = this.#unary()
    for (let links = 0; ; links++) {
      this.#bounded(links)
      const token = this.#accept('*') ?? this.#accept('/') ?? this.#accept('%')
      if (!token) return left
      left = this.#call(`_${token.text}_`, token.at, [left, this.#unary()])
    }
  }

  #unary(): Expr {
    const operator = this.#peek().text
    if (this.#peek().kind !== 'op' || (operator !== '!' && operator !== '-')) return this.#member()
    const first = this.#take()
    let count = 1
    while (this.#accept(operator)) count++
    const literal = this.#peek()
    const negative = operator === '-' && count % 2 === 1
    if (negative && (typeof literal.value === 'bigint' || typeof literal.value === 'number')) {
      literal.value = -literal.value
      literal.at = first.at
      return this.#member()
    }
    const operand = this.#member()
    return count % 2 === 0 ? operand : this.#call(operator === '!' ? '!_' : '-_', first.at, [operand])
  }

  #member(): Expr {
    let expr = this.#primary()
    for (let links = 0; ; links++) {
      this.#bounded(links)
      const dot = this.#accept('.')
      if (dot) {
        expr = this.#selection(expr, dot)
        continue
      }
      const bracket = this.#accept('[')
      if (bracket) {
        const optional = this.#accept('?') !== undefined
        const index = this.#expression()
        this.#expect(']')
        expr = this.#call(optional ? '_[?_]' : '_[_]', bracket.at, [expr, index])
        continue
      }
      const brace = this.#peek().text === '{' && this.#peek().kind === 'op' ? this.#peek() : undefined
      const name = brace && qualifiedName(expr)
      if (brace === undefined || name === undefined) return expr
      this.#take()
      expr = this.#structFields(name, brace.at)
    }
  }

  #selection(of: Expr, dot: Token): Expr {
    const optional = this.#accept('?') !== undefined
    const token = this.#take()
    if (token.kind !== 'ident') {
      throw new SyntaxProblem(token.at, `Syntax error: mismatched input '${token.text}' expecting IDENTIFIER`)
    }
    if (optional) {
      const field = this.#literal(token.text, token.at)
      return this.#call('_?._', dot.at, [of, field])
    }
    const open = this.#accept('(')
    if (!open) return { is: 'select', id: this.id(), at: dot.at, of, field: token.text, test: false }
    const args = this.#list(')')
    const call: Expr = { is: 'call', id: this.id(), at: open.at, name: token.text, target: of, args }
    return expandMacro(call, this) ?? call
  }

  #list(end: string): Expr[] {
    const items: Expr[] = []
    if (this.#accept(end)) return items
    do items.push(this.#expression())
    while (this.#accept(','))
    this.#expect(end)
    return items
  }

  #literal(value: Value, at: number): Expr {
    return { is: 'literal', id: this.id(), at, value }
  }

  #primary(): Expr {
    const token = this.#take()
    const { kind, text, at } = token
    if (kind === 'literal') return this.#checkedLiteral(token)
    if (kind === 'op') {
      if (text === '(') {
        const inner = this.#expression()
        this.#expect(')')
        return inner
      }
      if (text === '[') return this.#listLiteral(at)
      if (text === '{') return this.#mapLiteral(at)
      if (text === '.' && this.#peek().kind === 'ident') return this.#name(this.#take(), '.')
    }
    if (kind === 'ident') return this.#name(token, '')
    throw new SyntaxProblem(at, `Syntax error: mismatched input '${text}' ${EXPECTED}`)
  }

  #checkedLiteral({ value = null, at }: Token): Expr {
    if (value instanceof Failed) this.problem(at, value.message)
    if (typeof value === 'bigint' && (value > MAX_INT || value < MIN_INT)) this.problem(at, 'invalid int literal')
    return this.#literal(value, at)
  }

  #name({ text, at }: Token, prefix: string): Expr {
    if (RESERVED.has(text)) this.problem(at, `reserved identifier: ${text}`)
    const open = this.#accept('(')
    if (!open) return { is: 'ident', id: this.id(), at, name: prefix + text }
    const call: Expr = { is: 'call', id: this.id(), at: open.at, name: text, args: this.#list(')') }
    return expandMacro(call, this) ?? call
  }

  #listLiteral(at: number): Expr {
    const id = this.id()
    const items: Expr[] = []
    const optional = new Set<number>()
    while (!this.#accept(']')) {
      if (this.#accept('?')) optional.add(items.length)
      items.push(this.#expression())
      if (!this.#accept(',')) {
        this.#expect(']')
        break
      }
    }
    return { is: 'list', id, at, items, optional }
  }

  #mapLiteral(at: number): Expr {
    const id = this.id()
    const entries: MapEntry[] = []
    while (!this.#accept('}')) {
      const optional = this.#accept('?') !== undefined
      const key = this.#expression()
      this.#expect(':')
      entries.push({ key, value: this.#expression(), optional })
      if (!this.#accept(',')) {
        this.#expect('}')
        break
      }
    }
    return { is: 'map', id, at, entries }
  }

  #structFields(name: string, at: number): Expr {
    const expr: Expr = { is: 'struct', id: this.id(), at, name, fields: [] }
    while (!this.#accept('}')) {
      const optional = this.#accept('?') !== undefined
      const field = this.#take()
      if (field.kind !== 'ident') throw new SyntaxProblem(field.at, `Syntax error: mismatched input '${field.text}'`)
      const colon = this.#expect(':')
      expr.fields.push({ id: this.id(), at: colon.at, name: field.text, value: this.#expression(), optional })
      if (!this.#accept(',')) {
        this.#expect('}')
        break
      }
    }
    return expr
  }
}
