// The schema language: what a kind's page declares its fields with. One declaration is the source of the TypeScript type, decoding, pruning,
// defaults, validation, the JSON and protobuf codecs, OpenAPI, strategic merge and server-side apply. A CRD's schema loads into the same nodes.

import type { Issues } from './issues.ts'

/** What a value looks like in JSON. `time`, `quantity`, `bytes`… are strings in JSON with a format of their own. */
export type NodeType =
  | 'string'
  | 'int32'
  | 'int64'
  | 'double'
  | 'bool'
  | 'bytes' // base64 text
  | 'time' // RFC 3339, seconds
  | 'microTime' // RFC 3339, microseconds
  | 'quantity' // canonical text; a JSON number is accepted and turned into text
  | 'intOrString'
  | 'any' // any JSON value, kept as it is (RawExtension, JSON, FieldsV1)
  | 'struct'
  | 'list'
  | 'map'

/** How a list merges in server-side apply (`x-kubernetes-list-type`). */
export type ListType = 'atomic' | 'set' | 'map'

export interface FieldOptions {
  /** The closed set of legal values; anything else is `Unsupported value`. */
  enum?: readonly string[]
  min?: number
  max?: number
  minLength?: number
  maxLength?: number
  /** A regular expression, RE2 syntax, searched for (not anchored). */
  pattern?: string
  /** Given when the field is absent (before `defaults` of the struct it stands in). */
  default?: unknown
  /** OpenAPI format where it is not the type's own, as `byte`, `date-time`. */
  format?: string
  /** One sentence of our own for `kubectl explain`. */
  doc?: string
  /** Server-side apply treats the whole struct or map as one value; false: it does not, though the struct says so. */
  atomic?: boolean
  /** List: `x-kubernetes-list-type`. */
  list?: ListType
  /** List of type map: `x-kubernetes-list-map-keys`. */
  keys?: readonly string[]
  /**
   * List: duplicates are an error (by `keys` where the list is a map). Said apart from `list`, because upstream accepts duplicates in many
   * lists that merge as maps or sets: env, imagePullSecrets, conditions, finalizers.
   */
  unique?: boolean
  /** Strategic merge patch: `x-kubernetes-patch-merge-key` and `x-kubernetes-patch-strategy`. */
  mergeKey?: string
  strategy?: 'merge' | 'replace' | 'retainKeys' | 'merge,retainKeys'
  /** The field is always written, even when empty (Go: no `omitempty`). */
  always?: boolean
  /** Absent and zero differ (Go: a pointer). Where the page does not say, the published API's facts do. */
  nilable?: boolean
  /**
   * Documents show what the field and its struct ask for, but the kind's own hooks check it: where upstream's words or paths are not those
   * of its other fields, or where what stands around the field must be known.
   */
  unchecked?: boolean
  /** CRD schemas only. */
  nullable?: boolean
  preserveUnknown?: boolean
}

declare const typeTag: unique symbol

/** A node of a schema. `T` is the JSON value's type; it exists at compile time only. */
export interface Field<T = unknown, Required extends boolean = boolean> extends FieldOptions {
  readonly [typeTag]?: T
  readonly type: NodeType
  /** The protobuf field number; 0 where the node is not a field of a struct (an element of a list, a value of a map). */
  readonly number: number
  readonly required: Required
  /** `list` and `map`: the element. */
  readonly of?: Field
  /** `struct`: the message; lazy, so that schemas can be recursive. */
  readonly struct?: () => Struct
}

/** What a struct knows beyond its fields. Both run wherever the struct stands in an object, however deep. */
export interface StructRules<T> {
  /** Fills in defaults that depend on other fields. Runs after the fields' own defaults, children first. Mutates `value`. */
  defaults?(value: T): void
  /** Reports what the fields cannot say for themselves. `at` is the path of `value`, as `spec.containers[0]`. */
  validate?(value: T, at: string, issues: Issues): void
}

/** A named message: `io.k8s.api.core.v1.Container`. */
export interface Struct<T = unknown> {
  readonly [typeTag]?: T
  /** The OpenAPI definition's name. */
  readonly name: string
  readonly fields: Readonly<Record<string, Field>>
  readonly rules: StructRules<unknown>
  /** A union whose JSON is an object but which carries no message name of its own (inline in CRDs). */
  readonly doc?: string
  /** Server-side apply treats values of this struct as one. */
  readonly atomic?: boolean
  /** Loaded from a CRD: values of a wrong type are kept by decoding, for validation to report. */
  readonly dynamic?: boolean
  /** Dynamic only: the JSON schema it was loaded from. */
  readonly source?: Readonly<Record<string, unknown>>
  /** Dynamic only: fields that the schema does not know are kept. */
  readonly preserveUnknown?: boolean
  /** An object with apiVersion, kind and metadata of its own, also where it stands inside another. */
  readonly embedded?: boolean
}

export type TypeOf<F> = F extends { readonly [typeTag]?: infer T } ? Exclude<T, undefined> : never
type RequiredKeys<P> = { [K in keyof P]: P[K] extends { readonly required: true } ? K : never }[keyof P]
/** The TypeScript type of a record of fields. */
export type FieldsOf<P> = { [K in RequiredKeys<P>]: TypeOf<P[K]> } & {
  [K in Exclude<keyof P, RequiredKeys<P>>]?: TypeOf<P[K]>
}

type Leaf<T> = (number?: number, options?: FieldOptions) => Field<T, false>
const leaf =
  <T>(type: NodeType): Leaf<T> =>
  (number = 0, options = {}) => ({ type, number, required: false, ...options })

export const string = leaf<string>('string')
export const int32 = leaf<number>('int32')
export const int64 = leaf<number>('int64')
export const double = leaf<number>('double')
export const bool = leaf<boolean>('bool')
export const bytes = leaf<string>('bytes')
export const time = leaf<string>('time')
export const microTime = leaf<string>('microTime')
export const quantity = leaf<string>('quantity')
export const intOrString = leaf<number | string>('intOrString')
/** Any JSON value; say the type where it is known. */
export const any = <T = unknown>(number = 0, options: FieldOptions = {}): Field<T, false> => ({
  type: 'any',
  number,
  required: false,
  ...options,
})

/** A string of a closed set: `oneOf(3, ['Always', 'Never'])`. */
export function oneOf<const V extends string>(
  number: number,
  values: readonly V[],
  options: FieldOptions = {},
): Field<V, false> {
  return { type: 'string', number, required: false, ...options, enum: values }
}

/** A field holding a struct: `ref(8, resourceRequirements)`, or `ref(8, () => later)` where the struct is recursive or declared below. */
export function ref<T>(
  number: number,
  struct: Struct<T> | (() => Struct<T>),
  options: FieldOptions = {},
): Field<T, false> {
  return {
    type: 'struct',
    number,
    required: false,
    ...options,
    struct: typeof struct === 'function' ? struct : () => struct,
  }
}

type Element<T> = Struct<T> | Field<T>
const isField = (element: object): element is Field => 'number' in element
const elementField = <T>(element: Element<T>): Field =>
  isField(element) ? element : { type: 'struct', number: 0, required: false, struct: () => element }

/** A list: `list(2, container, { list: 'map', keys: ['name'], mergeKey: 'name', strategy: 'merge' })`, `list(3, string())`. */
export function list<T>(number: number, element: Element<T>, options: FieldOptions = {}): Field<T[], false> {
  return { type: 'list', number, required: false, ...options, of: elementField(element) }
}

/** A map with string keys: `mapOf(11, string())`. */
export function mapOf<T>(
  number: number,
  element: Element<T>,
  options: FieldOptions = {},
): Field<Record<string, T>, false> {
  return { type: 'map', number, required: false, ...options, of: elementField(element) }
}

/** The field must be there: an absent one is `Required value`, and the TypeScript property is not optional. */
export function required<T>(field: Field<T, false>): Field<T, true> {
  return { ...field, required: true }
}

/** Declares a named message. `name` is group/version and kind: `struct('io.k8s.api.core.v1.Container', {…})`. */
export function struct<P extends Record<string, Field>>(
  name: string,
  fields: P,
  rules: StructRules<FieldsOf<P>> & { doc?: string; atomic?: boolean } = {},
): Struct<FieldsOf<P>> {
  const { doc, atomic, ...hooks } = rules
  return {
    name,
    fields,
    rules: hooks as StructRules<unknown>,
    ...(doc === undefined ? {} : { doc }),
    ...(atomic === undefined ? {} : { atomic }),
  }
}
