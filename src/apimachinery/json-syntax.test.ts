import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { syntaxFault } from './json-syntax.ts'

const FAULTS: Readonly<Record<string, string>> = {
  '': 'unexpected end of JSON input',
  ' ': 'unexpected end of JSON input',
  '{': 'unexpected end of JSON input',
  '{"a"': 'unexpected end of JSON input',
  '{"a":': 'unexpected end of JSON input',
  '[1,': 'unexpected end of JSON input',
  '"a': 'unexpected end of JSON input',
  '"\\': 'unexpected end of JSON input',
  tru: 'unexpected end of JSON input',
  '-': 'unexpected end of JSON input',
  '1.': 'unexpected end of JSON input',
  hello: "invalid character 'h' looking for beginning of value",
  nonsense: "invalid character 'o' in literal null (expecting 'u')",
  trUe: "invalid character 'U' in literal true (expecting 'u')",
  '{"a":}': "invalid character '}' looking for beginning of value",
  '[,1]': "invalid character ',' looking for beginning of value",
  '[1,]': "invalid character ']' looking for beginning of value",
  '{a:1}': "invalid character 'a' looking for beginning of object key string",
  '{"a":1,}': "invalid character '}' looking for beginning of object key string",
  '{,}': "invalid character ',' looking for beginning of object key string",
  '{"a" 1}': "invalid character '1' after object key",
  '{"a":1 "b":2}': `invalid character '"' after object key:value pair`,
  '{"a":1]': "invalid character ']' after object key:value pair",
  '[1 2]': "invalid character '2' after array element",
  '[{}}': "invalid character '}' after array element",
  '{} {}': "invalid character '{' after top-level value",
  '01': "invalid character '1' after top-level value",
  '"a\nb"': String.raw`invalid character '\n' in string literal`,
  '"\u0001"': String.raw`invalid character '\x01' in string literal`,
  '"\\x"': "invalid character 'x' in string escape code",
  '"\\u12g4"': String.raw`invalid character 'g' in \u hexadecimal character escape`,
  '-a': "invalid character 'a' in numeric literal",
  '1.x': "invalid character 'x' after decimal point in numeric literal",
  '1e+x': "invalid character 'x' in exponent of numeric literal",
  "'a'": String.raw`invalid character '\'' looking for beginning of value`,
  é: "invalid character 'Ã' looking for beginning of value",
  '\ufeff{}': "invalid character 'ï' looking for beginning of value",
}

for (const [text, fault] of Object.entries(FAULTS))
  test(`fault of ${JSON.stringify(text)}`, () => assert.equal(syntaxFault(Buffer.from(text)), fault))

test('what JSON.parse takes has no fault, what it refuses has one', () => {
  const piece = fc.constantFrom(...[...'{}[],:"\\ \n-0123.eEtrufalsn'], 'true', 'null', '"a"', '{"a":1}', '[1,2]')
  const texts = fc.oneof(fc.json(), fc.string({ unit: piece, maxLength: 12 }))
  fc.assert(
    fc.property(texts, (text) => {
      const fault = syntaxFault(Buffer.from(text))
      let parsed = true
      try {
        JSON.parse(text)
      } catch {
        parsed = false
      }
      assert.equal(fault === undefined, parsed, fault ?? text)
    }),
    { numRuns: 2000 },
  )
})

test('nesting without end is no stack overflow', () => {
  assert.equal(syntaxFault(Buffer.from('['.repeat(500_000))), 'unexpected end of JSON input')
})
