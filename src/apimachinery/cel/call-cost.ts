// What a call costs when it runs, in CEL's units: most cost one, those that walk over text or lists cost by their size.

import { costSize, type Value } from './values.ts'

export const LIST_COST = 10
export const MAP_COST = 30
export const STRUCT_COST = 40
/** A character looked at; a character of a regular expression. */
export const PER_CHARACTER = 0.1
export const PER_PATTERN_CHARACTER = 0.25

export interface CallMade {
  readonly name: string
  readonly overload: string
  readonly args: readonly Value[]
  readonly result: Value
}

/** undefined: no opinion. */
export type CallCost = (call: CallMade) => number | undefined
export type CertainCallCost = (call: CallMade) => number

const COMPARISONS = /^(?:less|greater|less_equals|greater_equals)_(?:string|bytes)$|^(?:not_)?equals$/

export function standardCallCost({ overload, args, result: _result }: CallMade): number {
  const size = (i: number): number => costSize(args[i] ?? null)
  const characters = (count: number): number => Math.ceil(count * PER_CHARACTER)
  switch (overload) {
    case 'starts_with_string':
    case 'ends_with_string':
    case 'string_to_bytes':
    case 'bytes_to_string':
    case 'strings_quote':
    case 'string_format':
      return characters(size(0))
    case 'in_list':
      return size(1)
    case 'add_string':
    case 'add_bytes':
      return characters(size(0) + size(1))
    case 'matches_string':
    case 'matches':
      return characters(1 + size(0)) * Math.ceil(size(1) * PER_PATTERN_CHARACTER)
    case 'contains_string':
      return characters(size(0)) * characters(size(1))
  }
  if (COMPARISONS.test(overload)) return characters(Math.min(size(0), size(1)))
  return 1
}
