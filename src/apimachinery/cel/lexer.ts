// Cuts an expression's text into tokens.

import { Failed, Uint, type Value } from './values.ts'

export type TokenKind = 'ident' | 'literal' | 'op' | 'end'

export interface Token {
  kind: TokenKind
  /** The text, or of a name the name. */
  text: string
  /** In code points. */
  at: number
  value?: Value
}

export class SyntaxProblem extends Error {
  override name = 'SyntaxProblem'
  readonly at: number
  constructor(at: number, message: string) {
    super(message)
    this.at = at
  }
}

const OPERATORS = ['&&', '||', '==', '!=', '<=', '>=', ...'+-*/%<>!?:.,()[]{}']
const NUMBER = /^(?:0[xX][0-9a-fA-F]+[uU]?|(?:\d+\.\d+|\.\d+|\d+)(?:[eE][+-]?\d+)?[uU]?)/
const NAME = /^[A-Za-z_]\w*/
const STRING_PREFIX = /^(?:[rR][bB]|[bB][rR]|[rRbB])?(?:"""|'''|"|')/

export function tokenize(source: string): Token[] {
  const points = Array.from(source)
  const tokens: Token[] = []
  let at = 0
  while (at < points.length) {
    const c = points[at] ?? ''
    if (c === ' ' || c === '\t' || c === '\n' || c === '\r' || c === '\f') at++
    else if (c === '/' && points[at + 1] === '/') {
      while (at < points.length && points[at] !== '\n') at++
    } else {
      const [token, length] = tokenAt(points, at)
      tokens.push(token)
      at += length
    }
  }
  tokens.push({ kind: 'end', text: '<EOF>', at })
  return tokens
}

/** How far a token's beginning is looked at: no number is longer and still one. */
const LOOK_AHEAD = 400

function tokenAt(points: readonly string[], at: number): [Token, number] {
  const c = points[at] ?? ''
  const rest = /[\w.'"]/.test(c) ? points.slice(at, at + LOOK_AHEAD).join('') : ''
  const prefix = STRING_PREFIX.exec(rest)
  if (prefix) return stringAt(points, at, prefix[0])
  const number = NUMBER.exec(rest)
  if (number) return [{ kind: 'literal', text: number[0], at, value: numberOf(number[0], at) }, number[0].length]
  if (/[A-Za-z_]/.test(c)) {
    let end = at
    while (end < points.length && /\w/.test(points[end] ?? '')) end++
    const text = points.slice(at, end).join('')
    if (text === 'true' || text === 'false') return [{ kind: 'literal', text, at, value: text === 'true' }, end - at]
    if (text === 'null') return [{ kind: 'literal', text, at, value: null }, end - at]
    if (text === 'in') return [{ kind: 'op', text, at }, 2]
    return [{ kind: 'ident', text, at }, end - at]
  }
  const pair = c + (points[at + 1] ?? '')
  const operator = OPERATORS.includes(pair) ? pair : OPERATORS.includes(c) ? c : undefined
  if (operator === undefined) throw new SyntaxProblem(at, `Syntax error: token recognition error at: '${c}'`)
  return [{ kind: 'op', text: operator, at }, operator.length]
}

export const MIN_INT = -(2n ** 63n)
export const MAX_INT = 2n ** 63n - 1n
export const MAX_UINT = 2n ** 64n - 1n

/** 2^63 is in range only with a minus before it, which the parser knows. */
function numberOf(text: string, at: number): Value {
  if (/[uU]$/.test(text)) {
    if (/[.eE]/.test(text) && !/^0[xX]/.test(text)) throw new SyntaxProblem(at, 'invalid uint literal')
    const value = BigInt(text.slice(0, -1))
    return value > MAX_UINT ? new Failed('invalid uint literal') : new Uint(value)
  }
  if (/^0[xX]/.test(text) || !/[.eE]/.test(text)) return BigInt(text)
  return Number(text)
}

function stringAt(points: readonly string[], at: number, opening: string): [Token, number] {
  const raw = /[rR]/.test(opening)
  const bytes = /[bB]/.test(opening)
  const quote = /["']+$/.exec(opening)?.[0] ?? '"'
  const triple = quote.length === 3
  let i = at + opening.length
  let body = ''
  for (;;) {
    const c = points[i]
    if (c === undefined || (!triple && (c === '\n' || c === '\r'))) {
      throw new SyntaxProblem(at, `Syntax error: token recognition error at: '${points.slice(at, i).join('')}'`)
    }
    if (points.slice(i, i + quote.length).join('') === quote) break
    if (c === '\\') {
      body += c + (points[i + 1] ?? '')
      i += 2
    } else {
      body += c
      i++
    }
  }
  i += quote.length
  const text = points.slice(at, i).join('')
  const normal = triple ? body.replace(/\r\n?/g, '\n') : body
  return [{ kind: 'literal', text, at, value: literalOf(normal, { raw, bytes, at }) }, i - at]
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '`': '`',
  '?': '?',
}

function literalOf(body: string, { raw, bytes, at }: { raw: boolean; bytes: boolean; at: number }): Value {
  const encoder = new TextEncoder()
  if (raw || !body.includes('\\')) return bytes ? encoder.encode(body) : body
  const parts: number[] = []
  let text = ''
  const pattern =
    /\\(?:x([0-9a-fA-F]{2})|X([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))|([^\\]+)/gsu
  for (const [all, x, bigX, u, bigU, octal, simple, plain] of body.matchAll(pattern)) {
    const code = x ?? bigX ?? u ?? bigU
    const unicode = u ?? bigU
    let piece: string
    if (plain !== undefined) piece = plain
    else if (simple !== undefined) {
      const escaped = ESCAPES[simple]
      if (escaped === undefined) throw new SyntaxProblem(at, `Syntax error: token recognition error at: '${all}'`)
      piece = escaped
    } else {
      const point = code === undefined ? Number.parseInt(octal ?? '', 8) : Number.parseInt(code, 16)
      if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
        throw new SyntaxProblem(at, 'invalid unicode code point')
      }
      // In bytes, \x and octal escapes are bytes; \u is a character.
      if (bytes && unicode === undefined) {
        parts.push(point)
        continue
      }
      piece = String.fromCodePoint(point)
    }
    if (!bytes) text += piece
    else for (const byte of encoder.encode(piece)) parts.push(byte)
  }
  return bytes ? Uint8Array.from(parts) : text
}

export const isName = (text: string): boolean => NAME.exec(text)?.[0] === text
