// Finds one member of an object in JSON bytes without parsing the rest. The bytes must be valid JSON as JSON.stringify writes it: without white space.

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/**
 * The JSON text of the member `name` of the object whose opening brace is at `start`; undefined when it has none. `name` must be one
 * that JSON writes without escapes.
 */
export function memberText(bytes: Buffer, start: number, name: string): string | undefined {
  let at = start + 1
  while (bytes[at] === QUOTE) {
    const keyEnd = stringEnd(bytes, at)
    const valueStart = keyEnd + 2
    const end = valueEnd(bytes, valueStart)
    if (isKey(bytes, at + 1, keyEnd, name)) return bytes.toString('utf8', valueStart, end)
    if (bytes[end] !== COMMA) return undefined
    at = end + 1
  }
  return undefined
}

function isKey(bytes: Buffer, start: number, end: number, name: string): boolean {
  if (end - start !== name.length) return false
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name.charCodeAt(i)) return false
  return true
}

/** The offset of the quote that closes the string opened at `start`. */
function stringEnd(bytes: Buffer, start: number): number {
  for (let i = start + 1; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === QUOTE) return i
    if (byte === BACKSLASH) i++
  }
  return bytes.length
}

/** The offset behind the value that begins at `start`. */
function valueEnd(bytes: Buffer, start: number): number {
  let depth = 0
  for (let i = start; i < bytes.length; i++) {
    switch (bytes[i]) {
      case QUOTE:
        i = stringEnd(bytes, i)
        break
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth++
        break
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        if (depth === 0) return i
        depth--
        break
      case COMMA:
        if (depth === 0) return i
        break
      default:
    }
  }
  return bytes.length
}
