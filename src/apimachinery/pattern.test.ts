// Users' regular expressions: what they match, what is refused, and that none hangs.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compilePattern, PatternError } from './pattern.ts'

const sources = [
  '^a+b*$',
  '[a-c]{2,3}',
  '^(foo|bar)?$',
  'a.c',
  '^[^ab]+$',
  '\\d+-\\w*',
  '(?i)ABC',
  '^(?:a|b)*c$',
  '\\bfoo\\b',
  '^\\s*$',
  '[-a]',
  'x{0}',
  '^$',
  '[\\]a-]',
  '\\.',
  '^a{2,}$',
]

test('patterns match as JavaScript does where the syntax is shared', () => {
  for (const source of sources) {
    const insensitive = source.startsWith('(?i)')
    const native = new RegExp(source.replace('(?i)', ''), insensitive ? 'iu' : 'u')
    const compiled = compilePattern(source)
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'abcfor -.1]\nABC') }), (text) => {
        assert.equal(compiled.test(text), native.test(text), `${source} on ${JSON.stringify(text)}`)
      }),
    )
  }
  assert.ok(compilePattern('^[[:alpha:]]\\pL\\p{Greek}\\x{1F600}$').test('aéα😀'))
})

test('what RE2 refuses is refused', () => {
  for (const source of ['(?=a)', '(a)\\1', '(', ')', '[a', '*', 'a**', 'a{2,1}', '(((a{1000}){1000}){1000})', '\\q']) {
    assert.throws(() => compilePattern(source), PatternError, source)
  }
})

test('an expression that makes others hang is answered', () => {
  assert.equal(compilePattern('^(a+)+$').test(`${'a'.repeat(5000)}b`), false)
  assert.equal(compilePattern('^(a|aa)*(b|c*)*$').test(`${'a'.repeat(5000)}d`), false)
})
