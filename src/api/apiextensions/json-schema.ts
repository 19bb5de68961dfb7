// The schema language of custom resources, as its users write it.

import type { Field, Struct, TypeOf } from '../../apimachinery/schema.ts'
import {
  any,
  bool,
  double,
  int64,
  list,
  mapOf,
  oneOf,
  ref,
  required,
  string,
  struct,
} from '../../apimachinery/schema.ts'

export const externalDocumentation = struct(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ExternalDocumentation',
  {
    description: string(1),
    url: string(2),
  },
)
export interface ExternalDocumentation extends TypeOf<typeof externalDocumentation> {}

export const validationRule = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ValidationRule', {
  rule: required(string(1)),
  message: string(2),
  messageExpression: string(3),
  reason: oneOf(4, ['FieldValueRequired', 'FieldValueDuplicate', 'FieldValueInvalid', 'FieldValueForbidden']),
  fieldPath: string(5),
  optionalOldSelf: bool(6),
})
export interface ValidationRule extends TypeOf<typeof validationRule> {}

/** A JSON schema; it is made of further ones, so its type is written out. */
export interface JSONSchemaProps {
  id?: string
  $schema?: string
  $ref?: string
  description?: string
  type?: string
  format?: string
  title?: string
  default?: unknown
  maximum?: number
  exclusiveMaximum?: boolean
  minimum?: number
  exclusiveMinimum?: boolean
  maxLength?: number
  minLength?: number
  pattern?: string
  maxItems?: number
  minItems?: number
  uniqueItems?: boolean
  multipleOf?: number
  enum?: unknown[]
  maxProperties?: number
  minProperties?: number
  required?: string[]
  /** A list of schemas is legal JSON schema but never structural. */
  items?: JSONSchemaProps | JSONSchemaProps[]
  allOf?: JSONSchemaProps[]
  oneOf?: JSONSchemaProps[]
  anyOf?: JSONSchemaProps[]
  not?: JSONSchemaProps
  properties?: Record<string, JSONSchemaProps>
  additionalProperties?: JSONSchemaProps | boolean
  patternProperties?: Record<string, JSONSchemaProps>
  dependencies?: Record<string, JSONSchemaProps | string[]>
  additionalItems?: JSONSchemaProps | boolean
  definitions?: Record<string, JSONSchemaProps>
  externalDocs?: ExternalDocumentation
  example?: unknown
  nullable?: boolean
  'x-kubernetes-preserve-unknown-fields'?: boolean
  'x-kubernetes-embedded-resource'?: boolean
  'x-kubernetes-int-or-string'?: boolean
  'x-kubernetes-list-map-keys'?: string[]
  'x-kubernetes-list-type'?: string
  'x-kubernetes-map-type'?: string
  'x-kubernetes-validations'?: ValidationRule[]
}

const schemas = { list: 'atomic' } as const

export const jsonSchemaProps: Struct<JSONSchemaProps> = struct(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps',
  {
    id: string(1),
    $schema: string(2),
    $ref: string(3, { nilable: true }),
    description: string(4),
    type: string(5),
    format: string(6),
    title: string(7),
    default: any(8),
    maximum: double(9, { nilable: true }),
    exclusiveMaximum: bool(10),
    minimum: double(11, { nilable: true }),
    exclusiveMinimum: bool(12),
    maxLength: int64(13, { nilable: true }),
    minLength: int64(14, { nilable: true }),
    pattern: string(15),
    maxItems: int64(16, { nilable: true }),
    minItems: int64(17, { nilable: true }),
    uniqueItems: bool(18),
    multipleOf: double(19, { nilable: true }),
    enum: list(20, any(), schemas),
    maxProperties: int64(21, { nilable: true }),
    minProperties: int64(22, { nilable: true }),
    required: list(23, string(), schemas),
    // A schema, or a list of them; in protobuf a message that holds either.
    items: any<JSONSchemaProps | JSONSchemaProps[]>(24),
    allOf: list<JSONSchemaProps>(25, lazySchema(), schemas),
    oneOf: list<JSONSchemaProps>(26, lazySchema(), schemas),
    anyOf: list<JSONSchemaProps>(27, lazySchema(), schemas),
    not: ref<JSONSchemaProps>(28, () => jsonSchemaProps),
    properties: mapOf<JSONSchemaProps>(29, lazySchema()),
    // A schema, or a bool.
    additionalProperties: any<JSONSchemaProps | boolean>(30),
    patternProperties: mapOf<JSONSchemaProps>(31, lazySchema()),
    dependencies: mapOf(32, any<JSONSchemaProps | string[]>()),
    additionalItems: any<JSONSchemaProps | boolean>(33),
    definitions: mapOf<JSONSchemaProps>(34, lazySchema()),
    externalDocs: ref(35, externalDocumentation),
    example: any(36),
    nullable: bool(37),
    'x-kubernetes-preserve-unknown-fields': bool(38, { nilable: true }),
    'x-kubernetes-embedded-resource': bool(39),
    'x-kubernetes-int-or-string': bool(40),
    'x-kubernetes-list-map-keys': list(41, string(), schemas),
    'x-kubernetes-list-type': string(42, { nilable: true }),
    'x-kubernetes-map-type': string(43, { nilable: true }),
    'x-kubernetes-validations': list(44, validationRule, {
      list: 'map',
      keys: ['rule'],
      mergeKey: 'rule',
      strategy: 'merge',
    }),
  },
)

/** An element that is a schema itself. */
function lazySchema(): Field<JSONSchemaProps, false> {
  return ref<JSONSchemaProps>(0, () => jsonSchemaProps)
}
