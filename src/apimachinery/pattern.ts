// Regular expressions of users, in RE2's syntax and RE2's promise: matching takes time linear in the text, whatever the expression.

import { type Node, PatternError, Program } from './pattern-program.ts'

export { MAX_PATTERN_STATES, PatternError } from './pattern-program.ts'

/** The longest expression. */
export const MAX_PATTERN_LENGTH = 4096
const MAX_REPEAT = 1000
const MAX_GROUP_DEPTH = 100

export interface Pattern {
  readonly source: string
  /** Whether the expression matches anywhere in `text`. */
  test(text: string): boolean
  /** The first matches that do not overlap, at most `limit`: leftmost, and of those what the expression prefers. */
  find(text: string, limit: number): string[]
}

const NEWLINE = 10
const isWord = (c: number | undefined): boolean =>
  c !== undefined && ((c >= 48 && c <= 57) || (c >= 65 && c <= 90) || c === 95 || (c >= 97 && c <= 122))
const isBoundary = (text: readonly number[], at: number): boolean => isWord(text[at - 1]) !== isWord(text[at])

/** Compiles `source`; throws a PatternError where RE2 has no such syntax (look-around, back-references). */
export function compilePattern(source: string): Pattern {
  if (source.length > MAX_PATTERN_LENGTH)
    throw new PatternError(`expression is longer than ${MAX_PATTERN_LENGTH} characters`)
  const program = new Program(new Parser(source).parse())
  return { source, test: (text) => program.test(text), find: (text, limit) => program.find(text, limit) }
}

interface Flags {
  ignoreCase: boolean
  dotAll: boolean
  multiline: boolean
}

class Parser {
  readonly #source: string
  #at = 0
  #depth = 0
  #flags: Flags = { ignoreCase: false, dotAll: false, multiline: false }

  constructor(source: string) {
    this.#source = source
  }

  parse(): Node {
    const node = this.#choice()
    if (this.#at < this.#source.length) throw this.#error('unexpected )')
    return node
  }

  #error(what: string): PatternError {
    return new PatternError(`error parsing regexp: ${what}: \`${this.#source.slice(0, 100)}\``)
  }

  #peek(text: string): boolean {
    return this.#source.startsWith(text, this.#at)
  }

  #take(text: string): boolean {
    if (!this.#peek(text)) return false
    this.#at += text.length
    return true
  }

  #choice(): Node {
    if (++this.#depth > MAX_GROUP_DEPTH) throw this.#error('expression nests too deeply')
    const flags = this.#flags
    const of = [this.#sequence()]
    while (this.#take('|')) of.push(this.#sequence())
    this.#flags = flags
    this.#depth--
    return of.length === 1 && of[0] !== undefined ? of[0] : { is: 'choice', of }
  }

  #sequence(): Node {
    const of: Node[] = []
    while (this.#at < this.#source.length && !this.#peek('|') && !this.#peek(')')) {
      const atom = this.#atom()
      if (atom !== undefined) of.push(this.#repeated(atom))
    }
    return { is: 'sequence', of }
  }

  #repeated(atom: Node): Node {
    const bounds = this.#bounds()
    if (bounds === undefined) return atom
    // Lazy or greedy is the same to a test; what is found differs.
    const lazy = this.#take('?')
    if (this.#bounds() !== undefined) throw this.#error('invalid nested repetition operator')
    return { is: 'repeat', of: atom, ...bounds, lazy }
  }

  #bounds(): { min: number; max: number } | undefined {
    if (this.#take('*')) return { min: 0, max: Number.POSITIVE_INFINITY }
    if (this.#take('+')) return { min: 1, max: Number.POSITIVE_INFINITY }
    if (this.#take('?')) return { min: 0, max: 1 }
    const counted = /^\{(\d+)(?:(,)(\d*))?\}/.exec(this.#source.slice(this.#at, this.#at + 30))
    if (counted === null) return undefined
    this.#at += counted[0].length
    const min = Number(counted[1])
    const max = counted[2] === undefined ? min : counted[3] === '' ? Number.POSITIVE_INFINITY : Number(counted[3])
    if (min > MAX_REPEAT || (Number.isFinite(max) && (max > MAX_REPEAT || max < min)))
      throw this.#error('invalid repeat count')
    return { min, max }
  }

  #atom(): Node | undefined {
    if (this.#take('(')) return this.#group()
    if (this.#take('[')) return this.#classNode()
    const { dotAll, multiline } = this.#flags
    if (this.#take('.')) return { is: 'char', matches: (c) => dotAll || c !== NEWLINE }
    if (this.#take('^'))
      return {
        is: 'assert',
        holds: (text, at) => at === 0 || (multiline && text[at - 1] === NEWLINE),
        ...(multiline ? {} : { edge: 'begin' }),
      }
    if (this.#take('$'))
      return {
        is: 'assert',
        holds: (text, at) => at === text.length || (multiline && text[at] === NEWLINE),
        ...(multiline ? {} : { edge: 'end' }),
      }
    if (this.#peek('*') || this.#peek('+') || this.#peek('?'))
      throw this.#error('missing argument to repetition operator')
    if (this.#take('\\b')) return { is: 'assert', holds: isBoundary }
    if (this.#take('\\B')) return { is: 'assert', holds: (text, at) => !isBoundary(text, at) }
    if (this.#take('\\A')) return { is: 'assert', holds: (_text, at) => at === 0, edge: 'begin' }
    if (this.#take('\\z')) return { is: 'assert', holds: (text, at) => at === text.length, edge: 'end' }
    if (this.#peek('\\')) return this.#characterNode(this.#escape())
    const c = this.#source.codePointAt(this.#at) ?? 0
    this.#at += String.fromCodePoint(c).length
    return this.#characterNode(`\\u{${c.toString(16)}}`)
  }

  #group(): Node | undefined {
    if (this.#take('?')) {
      const named = /^P?<[A-Za-z_]\w*>/.exec(this.#source.slice(this.#at))
      const flags = /^([imsU]*)(?:-([imsU]*))?([:)])/.exec(this.#source.slice(this.#at))
      if (named !== null) this.#at += named[0].length
      else if (flags === null) throw this.#error('invalid or unsupported Perl syntax')
      else return this.#flagGroup(flags)
    }
    return this.#closed(this.#choice())
  }

  #flagGroup([all, on = '', off = '', end]: RegExpExecArray): Node | undefined {
    this.#at += all.length
    const outer = this.#flags
    const set = (flag: string, was: boolean): boolean => (on.includes(flag) || was) && !off.includes(flag)
    this.#flags = {
      ignoreCase: set('i', outer.ignoreCase),
      dotAll: set('s', outer.dotAll),
      multiline: set('m', outer.multiline),
    }
    if (end === ')') return undefined
    const node = this.#closed(this.#choice())
    this.#flags = outer
    return node
  }

  #closed(node: Node): Node {
    if (!this.#take(')')) throw this.#error('missing closing )')
    return node
  }

  /** One escape, as the text of a JavaScript class member. */
  #escape(): string {
    const rest = this.#source.slice(this.#at)
    const found =
      /^\\(?:[dDsSwW]|p\{\^?\w+\}|P\{\w+\}|p[A-Z]|P[A-Z]|x[0-9A-Fa-f]{2}|x\{[0-9A-Fa-f]{1,6}\}|[0-7]{3}|[afnrtv]|[^A-Za-z0-9])/su.exec(
        rest,
      )
    if (found === null) throw this.#error(`invalid escape sequence ${rest.slice(0, 2)}`)
    const [text] = found
    this.#at += text.length
    const body = text.slice(1)
    if (/^[dDwW]$/.test(body)) return text
    if (body === 's') return '\\t\\n\\f\\r '
    if (body === 'S') return '\\S\\u000b\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff'
    if (/^[pP][A-Z]$/.test(body)) return `\\${body[0]}{${body[1]}}`
    if (/^[pP]\{/.test(body)) return unicodeClass(body)
    if (/^x/.test(body)) return `\\u{${body.replace(/[x{}]/g, '')}}`
    if (/^[0-7]{3}$/.test(body)) return `\\u{${Number.parseInt(body, 8).toString(16)}}`
    if (body === 'a') return '\\u{7}'
    if (/^[fnrtv]$/.test(body)) return text
    return `\\u{${(body.codePointAt(0) ?? 0).toString(16)}}`
  }

  #classNode(): Node {
    const negated = this.#take('^')
    let members = ''
    let first = true
    while (first || !this.#peek(']')) {
      if (this.#at >= this.#source.length) throw this.#error('missing closing ]')
      first = false
      const posix = /^\[:(\^?)(\w+):\]/.exec(this.#source.slice(this.#at))
      if (posix !== null) {
        this.#at += posix[0].length
        members += this.#posix(posix[2] ?? '', posix[1] === '^')
        continue
      }
      if (this.#peek('\\')) members += this.#escape()
      else if (this.#peek('-')) {
        this.#at++
        // A range between two members, unless it is the last character or the first.
        members += members === '' || this.#peek(']') ? '\\-' : '-'
      } else {
        const c = this.#source.codePointAt(this.#at) ?? 0
        this.#at += String.fromCodePoint(c).length
        members += `\\u{${c.toString(16)}}`
      }
    }
    this.#at++
    return this.#characterNode(members, negated)
  }

  #posix(name: string, negated: boolean): string {
    const members = POSIX[name]
    if (members === undefined || negated) throw this.#error(`invalid character class range [:${name}:]`)
    return members
  }

  /** The classes of JavaScript decide over one character, which is linear whatever is in them. */
  #characterNode(members: string, negated = false): Node {
    let expression: RegExp
    try {
      expression = new RegExp(`^[${negated ? '^' : ''}${members}]$`, this.#flags.ignoreCase ? 'iu' : 'u')
    } catch {
      throw this.#error('invalid character class')
    }
    const ascii = Array.from({ length: 128 }, (_, c) => expression.test(String.fromCharCode(c)))
    return { is: 'char', matches: (c) => ascii[c] ?? expression.test(String.fromCodePoint(c)) }
  }
}

const POSIX: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  digit: '0-9',
  lower: 'a-z',
  upper: 'A-Z',
  space: '\\t\\n\\v\\f\\r ',
  word: '\\w',
  xdigit: '0-9A-Fa-f',
  punct: '!-\\/:-@\\[-`\\{-~',
}

function unicodeClass(body: string): string {
  const name = body.slice(2, -1)
  const negated = name.startsWith('^') !== body.startsWith('P')
  const bare = name.replace('^', '')
  return `\\${negated ? 'P' : 'p'}{${bare.length > 2 ? `Script=${bare}` : bare}}`
}
