// How a property's name is written in an expression: what CEL cannot read as a name is spelt out.

const RESERVED = new Set([
  ...['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import'],
  ...['let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while'],
])
const SPELT: Readonly<Record<string, string>> = {
  __: '__underscores__',
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
}
const MEANT = new Map(Object.entries(SPELT).map(([text, spelt]) => [spelt, text]))

/** undefined: there is no way to write it. */
export function escapeProperty(name: string): string | undefined {
  if (!/^[A-Za-z_./-][\w./-]*$/.test(name)) return undefined
  if (RESERVED.has(name)) return `__${name}__`
  return name.replace(/__|[-./]/g, (found) => SPELT[found] ?? found)
}

export function unescapeProperty(escaped: string): string | undefined {
  if (!escaped.includes('__')) return escaped
  const word = /^__(\w+)__$/.exec(escaped)?.[1]
  if (word !== undefined && RESERVED.has(word)) return word
  let broken = false
  const name = escaped.replace(/__[^_]+__/g, (found) => {
    const meant = MEANT.get(found)
    if (meant === undefined) broken = true
    return meant ?? found
  })
  return broken ? undefined : name
}
