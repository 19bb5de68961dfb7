// Says what is wrong with JSON text in the words of Go's scanner, which Kubernetes' clients know. Runs only on text that has been refused.

const END = 'unexpected end of JSON input'
const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d])
const LITERALS: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' }
const DIGIT = /^\d$/
const HEX = /^[\da-fA-F]$/

class SyntaxFault extends Error {}

/** The first fault; `undefined` when there is none. */
export function syntaxFault(bytes: Buffer): string | undefined {
  try {
    new Scanner(bytes).document()
    return undefined
  } catch (error) {
    if (error instanceof SyntaxFault) return error.message
    throw error
  }
}

class Scanner {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Without recursion: text may nest as deep as it likes. */
  document(): void {
    const open: ('object' | 'array')[] = []
    for (;;) {
      this.#value(open)
      while (!this.#continues(open)) if (open.length === 0) return
    }
  }

  /** One value, or the beginning of one that holds others: then the scanner stands before the first of them, or behind an empty one. */
  #value(open: ('object' | 'array')[]): void {
    for (;;) {
      const c = this.#next()
      if (c === '{') {
        open.push('object')
        if (this.#peek() === '}') return
        this.#key()
        continue
      }
      if (c === '[') {
        open.push('array')
        if (this.#peek() === ']') return
        continue
      }
      const literal = LITERALS[c]
      if (c === '"') this.#string()
      else if (c === '-' || DIGIT.test(c)) this.#number(c)
      else if (literal !== undefined) this.#literal(literal)
      else this.#refuse(c, 'looking for beginning of value')
      return
    }
  }

  /** What follows a value: another (true), or the end of what holds it. */
  #continues(open: ('object' | 'array')[]): boolean {
    const inside = open.at(-1)
    const c = this.#next(inside === undefined)
    if (inside === undefined) {
      if (c !== '') this.#refuse(c, 'after top-level value')
      return false
    }
    if (c === (inside === 'object' ? '}' : ']')) {
      open.pop()
      // The whole document is over only behind its last space.
      if (open.length === 0) return this.#continues(open)
      return false
    }
    if (c !== ',') this.#refuse(c, inside === 'object' ? 'after object key:value pair' : 'after array element')
    if (inside === 'object') this.#key()
    return true
  }

  #key(): void {
    const quote = this.#next()
    if (quote !== '"') this.#refuse(quote, 'looking for beginning of object key string')
    this.#string()
    const colon = this.#next()
    if (colon !== ':') this.#refuse(colon, 'after object key')
  }

  #string(): void {
    for (;;) {
      const c = this.#take()
      if (c === '"') return
      if (c === '\\') this.#escape()
      else if (c < ' ') this.#refuse(c, 'in string literal')
    }
  }

  #escape(): void {
    const c = this.#take()
    if (c === 'u') {
      for (let i = 0; i < 4; i++) {
        const digit = this.#take()
        if (!HEX.test(digit)) this.#refuse(digit, String.raw`in \u hexadecimal character escape`)
      }
    } else if (!'bfnrt\\/"'.includes(c)) this.#refuse(c, 'in string escape code')
  }

  #number(first: string): void {
    let c = first
    if (c === '-') {
      c = this.#take()
      if (!DIGIT.test(c)) this.#refuse(c, 'in numeric literal')
    }
    if (c !== '0') this.#digits()
    if (this.#here() === '.') {
      this.#at++
      this.#digit('after decimal point in numeric literal')
      this.#digits()
    }
    if (this.#here() === 'e' || this.#here() === 'E') {
      this.#at++
      if (this.#here() === '+' || this.#here() === '-') this.#at++
      this.#digit('in exponent of numeric literal')
      this.#digits()
    }
  }

  #digit(where: string): void {
    const c = this.#take()
    if (!DIGIT.test(c)) this.#refuse(c, where)
  }

  #digits(): void {
    while (DIGIT.test(this.#here())) this.#at++
  }

  #literal(word: string): void {
    for (const wanted of word.slice(1)) {
      const c = this.#take()
      if (c !== wanted) this.#refuse(c, `in literal ${word} (expecting '${wanted}')`)
    }
  }

  /** The next character that is no space, taken. The empty text at the end where that is allowed. */
  #next(mayEnd = false): string {
    const c = this.#peek()
    if (c === '' && mayEnd) return ''
    return this.#take()
  }

  #peek(): string {
    while (SPACE.has(this.#bytes[this.#at] ?? 0)) this.#at++
    return this.#here()
  }

  /** A byte as a character, as Go shows it. */
  #here(): string {
    const byte = this.#bytes[this.#at]
    return byte === undefined ? '' : String.fromCharCode(byte)
  }

  #take(): string {
    const c = this.#here()
    if (c === '') throw new SyntaxFault(END)
    this.#at++
    return c
  }

  #refuse(character: string, where: string): never {
    throw new SyntaxFault(`invalid character ${quoted(character)} ${where}`)
  }
}

/** As Go quotes a character. */
function quoted(character: string): string {
  if (character === "'") return String.raw`'\''`
  if (character === '"') return `'"'`
  const named = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\b': '\\b', '\f': '\\f', '\v': '\\v' }[
    character
  ]
  if (named !== undefined) return `'${named}'`
  const code = character.charCodeAt(0)
  if (code === 7) return String.raw`'\a'`
  if (code < 0x20 || code === 0x7f) return `'\\x${code.toString(16).padStart(2, '0')}'`
  // The control characters of Latin-1, its hard space and its soft hyphen are not printable.
  if (code >= 0x80 && (code <= 0xa0 || code === 0xad)) return `'\\u${code.toString(16).padStart(4, '0')}'`
  return `'${character}'`
}
