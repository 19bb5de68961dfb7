// Field selectors: `spec.nodeName=n1,status.phase!=Failed`, with `\` before a literal comma, equals sign or backslash.

export interface FieldTerm {
  field: string
  value: string
  /** `!=` */
  not: boolean
}

export interface FieldSelector {
  terms: FieldTerm[]
}

/** Throws an Error with upstream's words on text that is no selector. */
export function parseFieldSelector(text: string): FieldSelector {
  const terms: FieldTerm[] = []
  for (const part of splitTerms(text)) {
    if (part === '') continue
    const operator = /^((?:[^=!\\]|\\.|!(?!=))*)(==|!=|=)(.*)$/s.exec(part)
    if (!operator) throw new Error(`invalid selector: '${text}'; can't understand '${part}'`)
    const [, field = '', sign = '', value = ''] = operator
    terms.push({ field: field.trim(), value: unescapeValue(value), not: sign === '!=' })
  }
  return { terms }
}

function splitTerms(text: string): string[] {
  const parts: string[] = []
  let part = ''
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? ''
    if (c === '\\') {
      part += c + (text[++i] ?? '')
    } else if (c === ',') {
      parts.push(part)
      part = ''
    } else {
      part += c
    }
  }
  parts.push(part)
  return parts
}

function unescapeValue(value: string): string {
  let out = ''
  for (let i = 0; i < value.length; i++) {
    const c = value[i] ?? ''
    if (c !== '\\') {
      if (c === ',' || c === '=') throw new Error(`invalid field selector: unescaped character in value: ${c}`)
      out += c
      continue
    }
    const next = value[++i]
    if (next !== '\\' && next !== ',' && next !== '=')
      throw new Error(`invalid field selector: invalid escape sequence: \\${next ?? ''}`)
    out += next
  }
  return out
}

/** `value` as it has to stand in a selector. */
export function escapeFieldValue(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&')
}
