// What is wrong with runtime classes, and what they warn of.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { changed, problems, ready } from '../../testing/kinds.ts'
import { runtimeClasses } from './runtime-class.ts'

describe('runtime classes', () => {
  const cases: Record<string, [object, string[]]> = {
    'are valid with a handler': [{ handler: 'runc', overhead: { podFixed: { cpu: '1' } } }, []],
    'have a handler': [
      { handler: '' },
      [
        "handler: Invalid value: \"\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      ],
    ],
    'cost nothing negative': [
      { handler: 'runc', overhead: { podFixed: { cpu: '-1' } } },
      ['overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
    ],
    'tolerate what taints can be': [
      { handler: 'runc', scheduling: { tolerations: [{ key: 'a', operator: 'Exists', value: 'b' }] } },
      [
        'scheduling.tolerations[0].operator: Invalid value: {"key":"a","operator":"Exists","value":"b"}: value must be empty when `operator` is \'Exists\'',
      ],
    ],
  }
  for (const [name, [object, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(problems(runtimeClasses, object), want))
  }
  test('keep their handler', () => {
    assert.deepEqual(changed(runtimeClasses, { handler: 'a' }, { handler: 'b' }), [
      'handler: Invalid value: "b": field is immutable',
    ])
  })
  test('warn of labels of old', () => {
    const old = { handler: 'a', scheduling: { nodeSelector: { 'beta.kubernetes.io/os': 'linux' } } }
    assert.deepEqual(runtimeClasses.warnings?.(ready(runtimeClasses, old)), [
      'scheduling.nodeSelector: deprecated since v1.14; use "kubernetes.io/os" instead',
    ])
  })
})
