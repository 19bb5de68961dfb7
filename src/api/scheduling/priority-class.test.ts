// What is wrong with priority classes, and what of them may change.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { changed, problems, ready } from '../../testing/kinds.ts'
import { priorityClasses } from './priority-class.ts'

describe('priority classes', () => {
  const system = (name: string, value: number, rest: object = {}): object => ({ metadata: { name }, value, ...rest })
  const reserved =
    "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error:"
  const cases: Record<string, [object, string[]]> = {
    'are valid': [{ value: -5 }, []],
    'stay below those of the system': [
      { value: 1_000_000_001 },
      ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000'],
    ],
    "are the system's as it made them": [system('system-node-critical', 2_000_001_000), []],
    "keep the value of the system's": [
      system('system-node-critical', 1),
      [`${reserved} value of system-node-critical PriorityClass must be 2000001000`],
    ],
    "are no default of the system's": [
      system('system-node-critical', 2_000_001_000, { globalDefault: true }),
      [`${reserved} globalDefault of system-node-critical PriorityClass must be false`],
    ],
    "are not called like the system's": [
      system('system-x', 1),
      [`${reserved} system-x is not a known system priority class`],
    ],
    'preempt or do not': [
      { preemptionPolicy: 'Sometimes' },
      ['preemptionPolicy: Unsupported value: "Sometimes": supported values: "Never", "PreemptLowerPriority"'],
    ],
  }
  for (const [name, [object, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(problems(priorityClasses, object), want))
  }
  test('preempt unless they say', () => {
    assert.equal(ready(priorityClasses, {}).preemptionPolicy, 'PreemptLowerPriority')
  })
  test('keep their value and their policy', () => {
    assert.deepEqual(changed(priorityClasses, { value: 1 }, { value: 2, preemptionPolicy: 'Never' }), [
      'value: Forbidden: may not be changed in an update.',
      'preemptionPolicy: Invalid value: "Never": field is immutable',
    ])
  })
})
