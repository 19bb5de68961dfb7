// Why a program ended, as its standard error tells.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { lastWords } from './processes.ts'

const cases: Record<string, [text: string, want: ReturnType<typeof lastWords>]> = {
  'nothing was said': ['', { message: 'it said nothing' }],
  'its own message with the remedy': [
    'drover: Port 1 is taken\n        choose another: --port PORT\nkeeper: it ended with code 1 and is started again (1)\n',
    { message: 'Port 1 is taken', remedy: 'choose another: --port PORT' },
  ],
  'its own message alone': ['drover: The disk is full\n', { message: 'The disk is full' }],
  'the last of several': ['drover: a\n        b\ndrover: c\n', { message: 'c' }],
  'an error of the runtime': [
    'file:///x.ts:1\nthrow new TypeError("x")\n^\n\nTypeError: x is not a function\n    at file:///x.ts:1:7\n\nNode.js v26.0.0\n',
    { message: 'TypeError: x is not a function' },
  ],
  'anything else': ['Killed\n', { message: 'Killed' }],
}

describe('lastWords()', () => {
  for (const [name, [text, want]] of Object.entries(cases)) test(name, () => assert.deepEqual(lastWords(text), want))
})
