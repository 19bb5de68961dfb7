// A selector of places by the labels of their nodes: every label must have one of the values listed.

import type { Issues } from '../../../apimachinery/issues.ts'
import type { TypeOf } from '../../../apimachinery/schema.ts'
import { list, required, string, struct } from '../../../apimachinery/schema.ts'
import { checkQualifiedName, checkValue } from '../../../apimachinery/validation.ts'

export const topologySelectorLabelRequirement = struct('io.k8s.api.core.v1.TopologySelectorLabelRequirement', {
  key: required(string(1, { default: '' })),
  values: required(list(2, string(), { list: 'atomic', default: [] })),
})
export interface TopologySelectorLabelRequirement extends TypeOf<typeof topologySelectorLabelRequirement> {}

export const topologySelectorTerm = struct(
  'io.k8s.api.core.v1.TopologySelectorTerm',
  {
    matchLabelExpressions: list(1, topologySelectorLabelRequirement, { list: 'atomic' }),
  },
  { atomic: true },
)
export interface TopologySelectorTerm extends TypeOf<typeof topologySelectorTerm> {}

export function validateTopologyTerms(terms: readonly TopologySelectorTerm[], at: string, issues: Issues): void {
  const seen = new Set<string>()
  terms.forEach((term, i) => {
    const here = `${at}[${i}].matchLabelExpressions`
    validateTerm(term, here, issues)
    const meaning = meaningOf(term)
    if (seen.has(meaning)) issues.duplicate(here, '')
    seen.add(meaning)
  })
}

function validateTerm(
  { matchLabelExpressions: expressions = [] }: TopologySelectorTerm,
  at: string,
  issues: Issues,
): void {
  if (expressions.length === 0) issues.required(at)
  const keys = new Set<string>()
  expressions.forEach(({ key, values }, i) => {
    const here = `${at}[${i}]`
    if (values.length === 0) issues.required(`${here}.values`)
    values.forEach((value, j) => {
      if (values.indexOf(value) < j) issues.duplicate(`${here}.values[${j}]`, value)
    })
    checkValue(key, checkQualifiedName, `${here}.key`, issues)
    if (keys.has(key)) issues.duplicate(`${here}.key`, key)
    keys.add(key)
  })
}

/** The same for terms that select the same places, whatever the order of their parts. */
function meaningOf({ matchLabelExpressions = [] }: TopologySelectorTerm): string {
  const byKey = new Map(matchLabelExpressions.map(({ key, values }) => [key, [...new Set(values)].sort()]))
  return JSON.stringify([...byKey].sort(([a], [b]) => (a < b ? -1 : 1)))
}
