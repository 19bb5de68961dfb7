// Expressions: what they are worth, what is wrong with them, what they cost.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { compile, type Environment } from './environment.ts'
import { CompileError } from './errors.ts'
import { AUTHORIZER, AuthorizerValue } from './libraries/authorizer.ts'
import { escapeProperty, unescapeProperty } from './schema/property-names.ts'
import { DYN, INT, listOf, STRING, type Type } from './types.ts'
import {
  Duration,
  Failed,
  Items,
  ListValue,
  MapValue,
  OptionalValue,
  Timestamp,
  typeNameOf,
  Uint,
  type Value,
} from './values.ts'

function environment(variables: Record<string, Type> = {}): Environment {
  return { variables: new Map(Object.entries(variables)), fieldsOf: () => undefined }
}

/** A value as these tables write it. */
function shown(value: Value): unknown {
  if (value instanceof Failed) return `error: ${value.message}`
  if (value instanceof ListValue) return [...value].map(shown)
  if (value instanceof MapValue)
    return Object.fromEntries(value.keys().map((key) => [String(shown(key)), shown(value.get(key) ?? null)]))
  if (value instanceof Uint) return `${value.value}u`
  if (value instanceof OptionalValue) return value.value === undefined ? 'none' : [shown(value.value)]
  if (value instanceof Duration || value instanceof Timestamp) return `${typeNameOf(value)} ${value.ns}`
  return value instanceof Uint8Array ? [...value] : value
}

function evaluate(source: string, variables: Record<string, Value> = {}): unknown {
  const types = Object.fromEntries(Object.keys(variables).map((name) => [name, DYN]))
  return shown(compile(source, environment(types)).program.run(Object.values(variables), 1e9).value)
}

describe('an expression is worth', () => {
  const cases: Record<string, unknown> = {
    // Numbers: three kinds, none of which turns into another by itself or overflows in silence.
    '7 / 2 + 7 % 4': 6n,
    '-7 / 2': -3n,
    '9223372036854775807 + 1': 'error: integer overflow',
    '-9223372036854775808 / -1': 'error: integer overflow',
    '0u - 1u': 'error: unsigned integer overflow',
    '1 / 0': 'error: division by zero',
    '1 % 0': 'error: modulus by zero',
    '1.5e3 + .5': 1500.5,
    '0x1F == 31': true,
    'dyn(1) == 1.0 && dyn(1u) == 1': true,
    '1 < 1.5 && 2u > 1': true,
    "int('12') + int(3.9) + int(4u)": 19n,
    "double('x') == 1.0": 'error: strconv.ParseFloat: parsing "x": invalid syntax',
    // Logic: an error matters only when nothing decides without it.
    'false && 1 / 0 == 1': false,
    '1 / 0 == 1 && false': false,
    '1 / 0 == 1 || true': true,
    '1 / 0 == 1 || false': 'error: division by zero',
    'true ? 1 : 1 / 0': 1n,
    '[0, 1, 2].exists(x, 2 / x == 2)': true,
    '[1, 0].all(x, 2 / x == 5)': false,
    '[0].all(x, 2 / x == 5)': 'error: division by zero',
    // Text counts code points.
    "'añ😀'.size()": 3n,
    "'añ😀b'.substring(2, 4)": '😀b',
    "'añ😀'.charAt(2) + 'tacocat'.replace('a', 'A', 1)": '😀tAcocat',
    "'a,b,c'.split(',', 2)": ['a', 'b,c'],
    "'tacocat'.indexOf('ac', 1) + 'tacocat'.lastIndexOf('c')": 5n,
    "['a', 'b'].join('-') + ' x '.trim()": 'a-bx',
    "'%s is %d, %.2f, %x'.format([dyn('it'), 3, 1.005, 255])": 'it is 3, 1.00, ff',
    "strings.quote('a\"\\n')": '"a\\"\\n"',
    "b'\\xff' + b'a'": [255, 97],
    "r'\\d' + '\\u00e9'": '\\dé',
    // Regular expressions are searched for, leftmost first, in linear time.
    "'abc 123'.find('[0-9]+')": '123',
    "'a1b22'.findAll('[a-z]\\\\d+?')": ['a1', 'b2'],
    "'xaxbx'.findAll('x', 2)": ['x', 'x'],
    "'ab'.find('a|ab') + 'ab'.find('(?:a|ab)$')": 'aab',
    "'foo'.matches('^f.o$') && !'foo'.matches('^o')": true,
    // Loops with one variable and with two.
    '[1, 2, 3].map(x, x > 1, x * 2)': [4n, 6n],
    '[1, 2, 3].filter(x, x % 2 == 1)': [1n, 3n],
    "{'a': 1, 'b': 2}.all(k, v, v < 3 && k < 'c')": true,
    "['a', 'b'].transformList(i, v, string(i) + v)": ['0a', '1b'],
    "{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v * 10)": { b: 20n },
    "['x', 'y'].transformMapEntry(i, v, {v: i})": { x: 0n, y: 1n },
    "['x', 'x'].transformMapEntry(i, v, {v: i})": 'error: insert failed: key x already exists',
    '[1, 2].existsOne(x, x > 1)': true,
    // Lists and sets.
    '[3, 1, 2].sort() + [1, 1].distinct()': [1n, 2n, 3n, 1n],
    '[dyn([1]), [2, dyn([3])]].flatten(2).size() + lists.range(3).size()': 6n,
    "['bb', 'a'].sortBy(s, s.size())": ['a', 'bb'],
    '[1, 2, 3].slice(1, 3).reverse()': [3n, 2n],
    '[1, 3].sum() + [4, 9].max() - [4, 9].min() + [5].indexOf(5)': 9n,
    '[1, 2].isSorted() && sets.contains([1, 2], [2]) && sets.equivalent([1, 1], [1]) && !sets.intersects([1], [2])': true,
    '[].min() == 1': 'error: min called on empty list',
    '[1][2]': 'error: index out of bounds: 2',
    "{'a': null}.a": null,
    "{'a': 1}['b']": 'error: no such key: b',
    "'b' in {'a': 1} || 2 in [1, 2]": true,
    // Optionals.
    "{'a': 1}[?'b'].orValue(7)": 7n,
    "{'a': {'b': 2}}.?a.b": [2n],
    "{'a': {'b': 2}}.?a.?c.hasValue()": false,
    'optional.of(3).optMap(x, x * 2)': [6n],
    'optional.none().or(optional.ofNonZeroValue(0))': 'none',
    "[?optional.none(), 2, ?optional.of(3)] + {?'k': optional.of(1)}.map(k, 4)": [2n, 3n, 4n],
    // Times.
    "timestamp('2020-02-29T23:30:00Z').getDate()": 29n,
    "timestamp('2020-02-29T23:30:00Z').getDayOfYear('+01:00')": 60n,
    "timestamp('2023-07-01T12:00:00Z').getHours('Europe/Paris')": 14n,
    "duration('1h30m').getMinutes() + int(duration('1ns'))": 91n,
    "string(timestamp('2020-01-01T00:00:00.5Z') + duration('1s'))": '2020-01-01T00:00:01.5Z',
    "timestamp('9999-12-31T23:59:59Z') + duration('1s')": 'error: timestamp overflow',
    // Types.
    'type(1) == int && type([]) == list && type(type(1)) == type': true,
    "type(ip('::1')) == net.IP && type(quantity('1')) == kubernetes.Quantity": true,
    "type(timestamp('2020-01-01T00:00:00Z')) == google.protobuf.Timestamp": true,
    // What Kubernetes adds.
    "quantity('1Gi').isGreaterThan(quantity('1000Mi')) && quantity('50k').add(quantity('20')) == quantity('50.02k')": true,
    "isQuantity('1.5.2') || isIP('1.2.3.256') || isCIDR('10.0.0.0/33') || isURL('x y')": false,
    "ip('fe80::1').isLinkLocalUnicast() && ip('2001:DB8::1').family() == 6 && ip.isCanonical('2001:db8::1')": true,
    "cidr('10.0.0.0/8').containsIP('10.9.9.9') && cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')": true,
    "string(cidr('10.1.2.3/8').masked()) + string(ip('1.2.3.4'))": '10.0.0.0/81.2.3.4',
    "url('https://u@h.io:80/a b?k=v&k=w').getHost() + url('/p').getEscapedPath()": 'h.io:80/p',
    "url('https://h.io/?k=v&k=w').getQuery()['k']": ['v', 'w'],
    "semver('1.2.3-rc.1').isLessThan(semver('1.2.3')) && semver('v1.02', true).minor() == 2": true,
    "format.dns1123Label().validate('A').hasValue() && !format.named('uuid').value().validate('a').hasValue()": false,
    "format.dns1123LabelPrefix().validate('a-').hasValue()": false,
  }
  for (const [source, want] of Object.entries(cases)) {
    test(source, () => assert.deepEqual(evaluate(source), want))
  }
})

describe('an expression is refused', () => {
  const at = (column: number, source: string, message: string): string =>
    `ERROR: <input>:1:${column}: ${message}\n | ${source}\n | ${'.'.repeat(column - 1)}^`
  const cases: Record<string, [column: number, message: string]> = {
    'y > 1': [1, "undeclared reference to 'y' (in container '')"],
    'f(x)': [2, "undeclared reference to 'f' (in container '')"],
    "x + 'a'": [3, "found no matching overload for '_+_' applied to '(int, string)'"],
    'x.startsWith("a")': [13, "found no matching overload for 'startsWith' applied to 'int.(string)'"],
    'x && true': [1, "expected type 'bool' but found 'int'"],
    "[1, 'a']": [5, "expected type 'int' but found 'string'"],
    'x.all(e, e > 1)': [
      1,
      "expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)",
    ],
    'x.f': [2, "type 'int' does not support field selection"],
    'l.all(1, true)': [7, 'argument must be a simple name'],
    'has(x)': [5, 'invalid argument to has() macro'],
    "duration('x') > duration('1s')": [10, 'invalid duration argument'],
    "'a'.matches('(')": [13, 'invalid matches argument'],
    'x +': [
      4,
      "Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}",
    ],
    'x y': [3, "Syntax error: mismatched input 'y' expecting <EOF>"],
    'x.true': [3, "Syntax error: mismatched input 'true' expecting IDENTIFIER"],
    'package == 1': [1, 'reserved identifier: package'],
    '9223372036854775808': [1, 'invalid int literal'],
  }
  for (const [source, [column, message]] of Object.entries(cases)) {
    test(source, () => {
      assert.throws(() => compile(source, environment({ x: INT, l: listOf(STRING) })), {
        name: 'CompileError',
        message: at(column, source, message),
      })
    })
  }
  test('with every problem named, in order, each at its line', () => {
    const message = [
      at(1, 'a ||', "undeclared reference to 'a' (in container '')"),
      "ERROR: <input>:2:2: undeclared reference to 'b' (in container '')\n |  b\n | .^",
    ]
    assert.throws(() => compile('a ||\n b', environment()), { message: message.join('\n') })
  })
})

test('the authorizer is asked what the expression says, and asking is dear', () => {
  const asked: unknown[] = []
  const authorizer = new AuthorizerValue((question, serviceAccount) => {
    asked.push(serviceAccount ? { ...question, serviceAccount } : question)
    return 'path' in question ? { allowed: false, reason: 'no', error: 'broken' } : { allowed: true, reason: 'yes' }
  })
  const run = (source: string): [value: unknown, cost: number] => {
    const { program } = compile(source, environment({ authorizer: AUTHORIZER }))
    const { value, cost } = program.run([authorizer], 1e9)
    return [shown(value), cost]
  }
  const source = "authorizer.serviceAccount('n', 's').group('apps').resource('deployments').subresource('scale')"
  assert.deepEqual(run(`${source}.namespace('d').name('x').check('update').allowed()`), [true, 350_008])
  const question = { group: 'apps', resource: 'deployments', subresource: 'scale', namespace: 'd', name: 'x' }
  assert.deepEqual(asked.pop(), { ...question, verb: 'update', serviceAccount: { namespace: 'n', name: 's' } })
  assert.deepEqual(run("authorizer.path('/healthz').check('get').error()")[0], 'broken')
  assert.deepEqual(asked.pop(), { verb: 'get', path: '/healthz' })
  assert.deepEqual(
    run("authorizer.group('').resource('').check('get').reason()")[0],
    'error: resource must not be empty',
  )
})

describe('no text is too much', () => {
  const deep: Record<string, string> = {
    parentheses: '('.repeat(10_000),
    brackets: '['.repeat(10_000),
    additions: Array.from({ length: 10_000 }, () => '1').join('+'),
    selections: `x${'.a'.repeat(10_000)}`,
    negations: `${'-(1'.repeat(5000)}`,
    conditions: '1?'.repeat(10_000),
    length: ' '.repeat(200_000),
  }
  for (const [name, source] of Object.entries(deep)) {
    test(`${name} are refused, whatever their number`, () => {
      assert.throws(() => compile(source, environment({ x: DYN })), CompileError)
    })
  }
  test('a long chain of one operator is a shallow tree', () => {
    assert.equal(evaluate(Array.from({ length: 5000 }, () => 'true').join(' && ')), true)
  })
  test('a pattern that makes others try everything takes time linear in the text', () => {
    assert.equal(evaluate("x.matches('^(a+)+$')", { x: `${'a'.repeat(50_000)}b` }), false)
    assert.equal(evaluate("x.find('(a*)*c') == ''", { x: 'a'.repeat(2000) }), true)
    assert.equal(evaluate("x.find('a+').size()", { x: 'a'.repeat(300_000) }), 300_000n)
  })
  test('what cannot be paid for is not begun', () => {
    const { program } = compile("x.matches('(a|b|c|d)*e(a|b|c|d)*f(a|b|c|d)*g')", environment({ x: STRING }))
    const outcome = program.run(['a'.repeat(3_000_000)], 1_000_000)
    assert.equal(outcome.exceeded, true)
  })
  test('an evaluation ends where its budget does', () => {
    const list = new Items(Array.from({ length: 1000 }, (_, i) => BigInt(i)))
    const { program } = compile('x.all(a, x.all(b, a + b >= 0))', environment({ x: listOf(INT) }))
    const outcome = program.run([list], 1000)
    assert.equal(outcome.exceeded, true)
    assert.equal(shown(outcome.value), 'error: operation cancelled: actual cost limit exceeded')
    assert.ok(outcome.cost <= 1000 + 10, 'it ends at the step that was too much')
  })
})

test('whatever the text, it is compiled or refused with a CompileError', () => {
  const piece = fc.constantFrom(
    ...'x 1 1.5 "a" \' ( ) [ ] { } . ? : + - * / % ! && || == < in all( map(x, has( ,'.split(' '),
    '\n',
    '\\',
    '😀',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 12 }), (pieces) => {
      try {
        compile(pieces.join(' '), environment({ x: DYN }))
      } catch (error) {
        assert.equal((error as Error).name, 'CompileError')
      }
    }),
    { numRuns: 500 },
  )
})

test('integers are those of 64 bits, or an error', () => {
  const int64 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)
  fc.assert(
    fc.property(int64, int64, fc.constantFrom('+', '-', '*'), (x, y, operator) => {
      const exact = operator === '+' ? x + y : operator === '-' ? x - y : x * y
      const want = BigInt.asIntN(64, exact) === exact ? exact : 'error: integer overflow'
      assert.equal(evaluate(`x ${operator} y`, { x, y }), want)
    }),
  )
})

test('a property that can be written is read back', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z_./-][A-Za-z0-9_./-]{0,12}$/), (name) => {
      const escaped = escapeProperty(name)
      assert.ok(escaped === undefined || /^[A-Za-z_]\w*$/.test(escaped) || /^\d/.test(escaped))
      if (escaped !== undefined && !name.includes('___')) assert.equal(unescapeProperty(escaped), name)
    }),
  )
  const names = {
    'a-b': 'a__dash__b',
    'x.y/z': 'x__dot__y__slash__z',
    __n: '__underscores__n',
    namespace: '__namespace__',
  }
  for (const [name, want] of Object.entries(names)) assert.equal(escapeProperty(name), want)
  assert.equal(escapeProperty('1a'), undefined)
  assert.equal(escapeProperty('a b'), undefined)
})
