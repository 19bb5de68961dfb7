// The conformance tests of the CEL specification, as data: every suite that does not need protobuf messages.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { tests as specification } from '@bufbuild/cel-spec/testdata/conformance.js'
import { check } from './checker.ts'
import { FUNCTIONS } from './environment.ts'
import { parse } from './parser.ts'
import { plan } from './plan.ts'
import { DYN } from './types.ts'
import { Entries, Failed, Items, ListValue, Uint, type Value } from './values.ts'

/** Messages, their enums and extensions; unknown values; libraries that Kubernetes does not have. */
const OTHERS = new Set([
  ...['proto2', 'proto3', 'proto2_ext', 'wrappers', 'enums', 'dynamic', 'unknowns', 'namespace', 'plumbing'],
  ...['block_ext', 'encoders_ext', 'math_ext', 'bindings_ext', 'network_ext', 'type_deductions'],
])

/** Where Kubernetes, or cel-go, differs from the specification. */
const DIFFERENT: ReadonlyMap<string, string> = new Map([
  ["'tacocat'.indexOf('a', 30) == -1", 'cel-go finds nothing behind the end, and calls it no error'],
])

interface Case {
  name?: string
  expr: string
  container?: string
  disableCheck?: boolean
  typeEnv?: { name: string; ident?: unknown }[]
  bindings?: Record<string, { value?: Json }>
  value?: Json
  evalError?: unknown
  typedResult?: unknown
}
type Json = Record<string, unknown>
interface Suite {
  name: string
  suites?: readonly Suite[]
  tests?: readonly { original: unknown }[]
}

/** A value in protobuf's JSON; undefined where it is none of those compared here. */
function celValue(json: Json): Value | undefined {
  const [kind = '', value] = Object.entries(json)[0] ?? []
  switch (kind) {
    case 'int64Value':
      return BigInt(String(value))
    case 'uint64Value':
      return new Uint(BigInt(String(value)))
    case 'doubleValue':
      return Number(value)
    case 'stringValue':
    case 'boolValue':
      return value as string | boolean
    case 'nullValue':
      return null
    case 'listValue': {
      const items = ((value as { values?: Json[] }).values ?? []).map(celValue)
      return items.includes(undefined) ? undefined : new Items(items.map((item) => item ?? null))
    }
    case 'mapValue': {
      const map = new Entries()
      for (const { key, value: of } of (value as { entries?: { key: Json; value: Json }[] }).entries ?? []) {
        map.insert(celValue(key) ?? null, celValue(of) ?? null)
      }
      return map
    }
    default:
      return undefined
  }
}

const shown = (value: Value): unknown => {
  if (value instanceof Failed) return 'error'
  if (value instanceof ListValue) return [...value].map(shown)
  if (value instanceof Entries) return value.keys().map((key) => [shown(key), shown(value.get(key) ?? null)])
  return value instanceof Uint ? `${value.value}u` : value
}

function evaluate({ expr: source, disableCheck, typeEnv = [] }: Case, bindings: ReadonlyMap<string, Value>): Value {
  const names = new Set([...bindings.keys(), ...typeEnv.filter(({ ident }) => ident).map(({ name }) => name)])
  const variables = new Map([...names].map((name) => [name, DYN]))
  const expr = parse(source)
  if (!disableCheck) {
    check(source, expr, { functions: FUNCTIONS, variables, fieldsOf: () => undefined, mixedLiterals: true })
  }
  return plan(expr, [...names], { functions: FUNCTIONS }).run([...bindings.values()], 1e9).value
}

function* casesOf(suite: Suite): Generator<Case> {
  for (const { original } of suite.tests ?? []) yield original as Case
  for (const inner of suite.suites ?? []) yield* casesOf(inner)
}

/** Undefined: not one for this engine. */
function expected(of: Case): unknown {
  const { container, expr, typedResult, evalError, value, bindings = {} } = of
  const foreign = container !== undefined || typedResult !== undefined || /TestAllTypes|google\.protobuf|`/.test(expr)
  // A variable with dots in its name is made by no environment of Kubernetes'.
  if (foreign || DIFFERENT.has(expr) || Object.keys(bindings).some((name) => name.includes('.'))) return undefined
  if (Object.values(bindings).some(({ value: bound }) => bound === undefined || celValue(bound) === undefined))
    return undefined
  if (evalError !== undefined) return 'error'
  if (value === undefined) return true
  const wanted = celValue(value)
  return wanted === undefined ? undefined : shown(wanted)
}

for (const suite of (specification as unknown as Suite).suites ?? []) {
  if (OTHERS.has(suite.name)) continue
  describe(`the specification's ${suite.name}`, () => {
    const cases = [...casesOf(suite)].filter((of) => expected(of) !== undefined)
    test(`${cases.length} cases`, () => {
      for (const of of cases) {
        const bound = Object.entries(of.bindings ?? {}).map(
          ([name, { value }]) => [name, celValue(value ?? {}) ?? null] as const,
        )
        let got: unknown
        try {
          got = shown(evaluate(of, new Map(bound)))
        } catch (error) {
          if ((error as Error).name !== 'CompileError') throw error
          got = 'error'
        }
        assert.deepEqual(got, expected(of), `${of.name ?? ''}: ${of.expr}`)
      }
    })
  })
}
