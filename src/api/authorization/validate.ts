// Checks what an access review asks about: one thing, by somebody.

import type { Issues } from '../../apimachinery/issues.ts'

interface Question {
  resourceAttributes?: object
  nonResourceAttributes?: object
}

export function validateQuestion({ resourceAttributes, nonResourceAttributes }: Question, issues: Issues): void {
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined) {
    issues.invalid(
      'spec.nonResourceAttributes',
      nonResourceAttributes,
      'cannot be specified in combination with resourceAttributes',
    )
  }
  if (resourceAttributes === undefined && nonResourceAttributes === undefined) {
    issues.invalid(
      'spec.resourceAttributes',
      resourceAttributes,
      'exactly one of nonResourceAttributes or resourceAttributes must be specified',
    )
  }
}

export function validateAsker({ user = '', groups = [] }: { user?: string; groups?: string[] }, issues: Issues): void {
  if (user === '' && groups.length === 0) {
    issues.invalid('spec.user', user, 'at least one of user or group must be specified')
  }
}
