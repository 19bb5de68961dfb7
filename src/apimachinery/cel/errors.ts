// What is wrong with an expression's text, shown with the line and a caret below it.

export interface Problem {
  at: number
  message: string
}

export const MAX_PROBLEMS = 100

/** The expression is not well-formed or not well-typed; the message lists every problem with its place. */
export class CompileError extends Error {
  override name = 'CompileError'
  constructor(source: string, problems: readonly Problem[]) {
    const sorted = [...problems].sort((a, b) => a.at - b.at)
    const shown = sorted.slice(0, MAX_PROBLEMS).map((problem) => display(source, problem))
    if (sorted.length > MAX_PROBLEMS) shown.push(`${sorted.length - MAX_PROBLEMS} more errors were truncated`)
    super(shown.join('\n'))
  }
}

function display(source: string, { at, message }: Problem): string {
  const points = Array.from(source)
  const before = points.slice(0, at)
  const start = before.lastIndexOf('\n') + 1
  const line = before.filter((c) => c === '\n').length + 1
  const column = at - start
  const end = points.indexOf('\n', start)
  const snippet = points.slice(start, end === -1 ? undefined : end).map((c) => (c === '\t' ? ' ' : c))
  const wide = (c: string | undefined): boolean => c !== undefined && (c.codePointAt(0) ?? 0) > 127
  const dots = snippet.slice(0, column).map((c) => (wide(c) ? '\uff0e' : '.'))
  const caret = wide(snippet[column]) ? '\uff3e' : '^'
  return `ERROR: <input>:${line}:${column + 1}: ${message}\n | ${snippet.join('')}\n | ${dots.join('')}${caret}`
}
