// Regular expressions of rules: compiled once, matched in time linear in the text.

import { compilePattern, type Pattern, PatternError } from '../pattern.ts'
import { Failed } from './values.ts'

/** Expressions kept compiled; most are literals of a rule that runs again. */
const MAX_COMPILED = 256
const compiled = new Map<string, Pattern>()

export function patternOf(source: string): Pattern | Failed {
  const known = compiled.get(source)
  if (known) return known
  try {
    const pattern = compilePattern(source)
    if (compiled.size >= MAX_COMPILED) compiled.clear()
    compiled.set(source, pattern)
    return pattern
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    return new Failed(error.message)
  }
}
