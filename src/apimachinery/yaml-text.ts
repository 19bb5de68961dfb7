// Texts in YAML, written piece by piece where they are long: in the style and with the bytes that the YAML library gives them when it has them whole.

/** A text of at least 40 characters, whole or in pieces. */
export interface Text {
  /** No piece ends in the middle of a character. */
  chunks(): Iterable<string>
  /** What JSON writes between the quotes; no piece ends in the middle of a character or an escape. */
  jsonChunks(): Iterable<string>
}

/** The YAML of a text as a member or an element whose lines are indented by `indent`, which must not be empty. Undefined where only the whole tells. */
export function yamlOfText(text: Text, indent: string): Iterable<string> | undefined {
  const facts = factsOf(text)
  switch (facts) {
    case undefined:
      return undefined
    case 'double':
      return doubleQuoted(text, indent)
    case 'single':
      return singleQuoted(text)
    case 'plain':
      return text.chunks()
    default:
      return block(text, facts.header, indent)
  }
}

type Style = 'plain' | 'single' | 'double' | { header: string } | undefined

/** Control characters and halves of surrogate pairs: what has them is quoted. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const UNPRINTABLE = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u{D800}-\u{DFFF}]/u
/** What a line may not have without quotes. */
const SPECIAL_START = /^[\t ,[\]{}#&*!|>'"%@`]|^[?-][ \t]/
const SPECIAL_INSIDE = /:[ \t]|[\t ]#/
const SPECIAL_END = /[\t :]$/
/** What begins a number or a time, in hexadecimal and otherwise, and what may follow: a text of nothing else may be read as one. */
const HEX_START = /^[-+]?0x/
const HEX = /^[-+0-9a-fA-Fx_]*$/
const NUMBER = /^[-+0-9eEtTzZb_.: \t]*$/

/** What is known of a text after looking at all its pieces. */
class Facts {
  isSpecial = false
  hasLines = false
  hasSingle = false
  hasDouble = false
  mayBeNumber = true
  /** Before the first character that is neither a space nor a line end. */
  beginsWithSpace = false
  isBlank = true
  /** Of the white space at the end. */
  lineEnds = 0
  last = ''
  #isFirst = true
  #isLeading = true
  #number: RegExp | undefined

  add(chunk: string): void {
    this.hasLines ||= chunk.includes('\n')
    if (!this.hasLines) this.#addToLine(chunk)
    this.#addLeading(chunk)
    this.#addTrailing(chunk)
    this.#isFirst = false
    this.last = chunk.slice(-1)
  }

  /** What only counts in a text of one line. */
  #addToLine(chunk: string): void {
    this.#number ??= HEX_START.test(chunk) ? HEX : NUMBER
    this.isSpecial ||= this.#isFirst && SPECIAL_START.test(chunk)
    this.isSpecial ||= SPECIAL_INSIDE.test(this.last + chunk)
    this.hasSingle ||= chunk.includes("'")
    this.hasDouble ||= chunk.includes('"')
    this.mayBeNumber &&= this.#number.test(chunk)
  }

  #addLeading(chunk: string): void {
    for (let i = 0; this.#isLeading && i < chunk.length; i++) {
      if (chunk[i] === ' ') this.beginsWithSpace = true
      else if (chunk[i] !== '\n') this.#isLeading = false
    }
  }

  #addTrailing(chunk: string): void {
    let at = chunk.length - 1
    let lineEnds = 0
    while (at >= 0 && (chunk[at] === '\n' || chunk[at] === '\t' || chunk[at] === ' '))
      if (chunk[at--] === '\n') lineEnds++
    if (at >= 0) {
      this.isBlank = false
      this.lineEnds = 0
    }
    this.lineEnds += lineEnds
  }
}

function factsOf(text: Text): Style {
  const facts = new Facts()
  for (const chunk of text.chunks()) {
    if (UNPRINTABLE.test(chunk)) return 'double'
    facts.add(chunk)
  }
  const { hasLines, hasDouble, hasSingle, lineEnds, last } = facts
  if (!hasLines) {
    if (facts.isSpecial || SPECIAL_END.test(last)) return hasDouble && !hasSingle ? 'single' : 'double'
    return facts.mayBeNumber ? undefined : 'plain'
  }
  // A last line of white space alone would get lost in a block.
  if (lineEnds > 0 && last !== '\n') return 'double'
  const keepsEnd = lineEnds === 0 ? '-' : facts.isBlank || lineEnds > 1 ? '+' : ''
  return { header: `|${facts.beginsWithSpace && !facts.isBlank ? '2' : ''}${keepsEnd}\n` }
}

function* singleQuoted(text: Text): Generator<string> {
  yield "'"
  yield* text.chunks()
  yield "'"
}

/** Each line but empty ones is indented; the line end behind the last one is not written, as what follows begins with one. */
function* block(text: Text, header: string, indent: string): Generator<string> {
  yield header + indent
  // How lines end is known when it is known what comes then.
  let held = 0
  for (const chunk of text.chunks()) {
    let end = chunk.length
    while (end > 0 && chunk[end - 1] === '\n') end--
    if (end > 0) {
      yield ('\n'.repeat(held) + chunk.slice(0, end)).replace(/\n+/g, `$&${indent}`)
      held = 0
    }
    held += chunk.length - end
  }
  yield '\n'.repeat(Math.max(0, held - 1))
}

/** In the JSON of a text: line ends with a space before them, characters by number, any other escape. */
const IN_QUOTES = /( ?)((?:\\n)+)|\\u([0-9a-f]{4})|\\[^nu]/g

/** JSON, in which lines end by line ends and some characters have other names. */
function* doubleQuoted(text: Text, indent: string): Generator<string> {
  yield '"'
  let held = ''
  for (const chunk of text.jsonChunks()) {
    const end = lineEndsAt(chunk)
    if (end > 0 || chunk[0] === ' ') {
      yield quotedPart(held + chunk.slice(0, end), indent, chunk[end])
      held = ''
    }
    held += chunk.slice(end)
  }
  yield quotedPart(held, indent, undefined)
  yield '"'
}

/** `after` is what comes then; undefined at the end. */
function quotedPart(json: string, indent: string, after: string | undefined): string {
  return json.replace(IN_QUOTES, (found: string, ...[space, ends, code, at]: Found) => {
    if (code !== undefined) return CONTROLS[code] ?? (code.startsWith('00') ? `\\x${code.slice(2)}` : found)
    if (ends === undefined) return found
    const next = json[at + found.length] ?? after
    const count = ends.length / 2 - (next === undefined ? 1 : 0)
    const lines = count === 0 ? '' : `${'\n'.repeat(count + 1)}${indent}${next === ' ' ? '\\' : ''}`
    return `${space === '' ? '' : '\\ '}${lines}${next === undefined ? '\\n' : ''}`
  })
}

type Found = [space: string, ends: string | undefined, code: string | undefined, at: number]

const CONTROLS: Readonly<Record<string, string>> = { '0000': '\\0', '0007': '\\a', '000b': '\\v', '001b': '\\e' }

/** Where the line ends at the end of the JSON of a text begin, with a space before them: how they are written depends on what comes then. */
function lineEndsAt(json: string): number {
  let end = json.length
  while (json.endsWith('\\n', end) && isEscape(json, end - 2)) end -= 2
  return json[end - 1] === ' ' ? end - 1 : end
}

function isEscape(json: string, backslash: number): boolean {
  let before = backslash
  while (json[before - 1] === '\\') before--
  return (backslash - before) % 2 === 0
}
