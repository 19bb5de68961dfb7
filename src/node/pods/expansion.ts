// `$(NAME)` in commands, arguments and variables. Pure.

/** Replaces what `lookup` knows; `$$` is a dollar, and what is unknown stays as it is written. */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  let result = ''
  for (let i = 0; i < text.length; i++) {
    const next = text[i + 1]
    if (text[i] !== '$' || next === undefined) {
      result += text[i]
      continue
    }
    if (next === '$') {
      result += '$'
      i++
      continue
    }
    const end = next === '(' ? text.indexOf(')', i) : -1
    if (end < 0) {
      result += '$'
      continue
    }
    const name = text.slice(i + 2, end)
    result += lookup(name) ?? `$(${name})`
    i = end
  }
  return result
}
