// The checker's own test: it explains what can be explained, and refuses each thing that cannot.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Action, checkLinearizable, type Operation } from './testing-linearizability.ts'

const NEVER = Number.POSITIVE_INFINITY
const at = (called: number, returned: number, action: Action, key = 'a'): Operation => ({
  key,
  action,
  called,
  returned,
})
const put = (value: string, revision: number, expected?: number): Action => ({
  do: 'write',
  value,
  ...(expected === undefined ? {} : { expected }),
  answer: { ok: true, revision },
})
const lost = (value: string | null): Action => ({ do: 'write', value, answer: 'unknown' })
const remove = (revision: number): Action => ({ do: 'write', value: null, answer: { ok: true, revision } })
const refused = (expected: number, value?: string, revision = 0): Action => ({
  do: 'write',
  value: 'never',
  expected,
  answer: { ok: false, current: value === undefined ? undefined : { value, revision } },
})
const get = (value?: string, revision = 0): Action => ({
  do: 'get',
  saw: value === undefined ? undefined : { value, revision },
})

const right: Record<string, Operation[]> = {
  nothing: [],
  'one after another': [at(1, 2, put('x', 1)), at(3, 4, get('x', 1)), at(5, 6, remove(2)), at(7, 8, get())],
  'a read amid a write that sees it, and one that does not': [
    at(1, 6, put('x', 1)),
    at(2, 3, get()),
    at(4, 5, get('x', 1)),
  ],
  'a compare that fails because of another that wins': [
    at(1, 2, put('x', 1)),
    at(3, 6, put('y', 2, 1)),
    at(4, 5, refused(1, 'y', 2)),
  ],
  'an unanswered write that happened': [at(1, NEVER, lost('x')), at(3, 4, get('x', 1))],
  'an unanswered write that did not': [at(1, NEVER, lost('x')), at(3, 4, get()), at(5, 6, put('y', 1, 0))],
  'an unanswered delete between two reads': [
    at(1, 2, put('x', 1)),
    at(3, NEVER, lost(null)),
    at(4, 5, get('x', 1)),
    at(6, 7, get()),
  ],
  'an unanswered write that a compare builds on': [
    at(1, NEVER, lost('x')),
    at(2, 3, put('y', 5, 4)),
    at(4, 5, get('y', 5)),
  ],
}

const wrong: Record<string, Operation[]> = {
  'a read of the past': [at(1, 2, put('x', 1)), at(3, 4, put('y', 2)), at(5, 6, get('x', 1))],
  'a read of what nobody wrote': [at(1, 2, get('x', 1))],
  'an acknowledged write that is lost': [at(1, 2, put('x', 1)), at(3, 4, get())],
  'two winners of one compare': [at(1, 2, put('x', 1)), at(3, 6, put('y', 2, 1)), at(4, 5, put('z', 3, 1))],
  'two creators': [at(1, 4, put('x', 1, 0)), at(2, 3, put('y', 2, 0))],
  'a refused compare that was right': [at(1, 2, put('x', 1)), at(3, 4, refused(1, 'x', 1))],
  'a delete that is undone': [at(1, 2, put('x', 1)), at(3, 4, remove(2)), at(5, 6, get('x', 1))],
  'reads that go back and forth': [at(1, 8, put('x', 1)), at(2, 3, get('x', 1)), at(4, 5, get())],
  'an unanswered write that is seen and gone': [at(1, NEVER, lost('x')), at(2, 3, get('x', 1)), at(4, 5, get())],
  'the revision of another': [at(1, 2, put('x', 1)), at(3, 4, get('x', 2))],
  'revisions against time, over keys': [at(1, 2, put('x', 2)), at(3, 4, put('y', 1), 'b')],
}

describe('checkLinearizable()', () => {
  for (const [name, history] of Object.entries(right))
    test(`explains ${name}`, () => assert.deepEqual(checkLinearizable(history), []))
  for (const [name, history] of Object.entries(wrong))
    test(`refuses ${name}`, () => assert.notDeepEqual(checkLinearizable(history), []))
})
