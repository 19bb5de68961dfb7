// OpenAPI definitions of structs: one builder for both versions, which differ in where definitions stand and in how a reference carries more.

import { deleteOptions, listStruct, status } from '../messages.ts'
import { objectMeta } from '../metadata.ts'
import { isObject, type JsonObject, setOwn } from '../objects.ts'
import type { Resource } from '../resource.ts'
import type { Field, NodeType, Struct } from '../schema.ts'

export type OpenApiVersion = 2 | 3
export type Definitions = Map<string, JsonObject>

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const NAMED_SCALARS: Partial<Record<NodeType, string>> = {
  time: `${META}.Time`,
  microTime: `${META}.MicroTime`,
  quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  intOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
}

const PLAIN_SCALARS: Partial<Record<NodeType, JsonObject>> = {
  string: { type: 'string' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  bool: { type: 'boolean' },
  bytes: { type: 'string', format: 'byte' },
  // Not empty: readers take an empty schema for none.
  any: { description: 'Any JSON value.' },
}

const KIND_FIELDS: JsonObject = {
  apiVersion: { type: 'string', description: 'The group and version of this object, as apps/v1.' },
  kind: { type: 'string', description: 'The kind of this object, in CamelCase.' },
}

/** Collects the definitions that a set of kinds needs, so that every `$ref` among them resolves. */
export class SchemaBuilder {
  readonly definitions: Definitions = new Map()
  readonly #version: OpenApiVersion
  readonly #kinds = new Map<string, JsonObject[]>()
  readonly #prefix: string

  constructor(version: OpenApiVersion) {
    this.#version = version
    this.#prefix = version === 2 ? '#/definitions/' : '#/components/schemas/'
  }

  /** A reference to `struct`, whose definition is added. */
  struct(struct: Struct): JsonObject {
    if (!this.definitions.has(struct.name)) {
      // Entered before it is built, so that recursive structs end.
      const definition: JsonObject = {}
      this.definitions.set(struct.name, definition)
      Object.assign(definition, this.#definition(struct))
    }
    return { $ref: this.#prefix + struct.name }
  }

  /** The kind and its list; returns references to both. */
  kind(resource: Resource): { object: JsonObject; list: JsonObject } {
    const { group, version, kind, listKind } = resource
    const list = listStruct(resource.struct, listKind)
    this.#kinds.set(resource.struct.name, this.#gvks(resource.struct, { group, kind, version }))
    this.#kinds.set(list.name, this.#gvks(list, { group, kind: listKind, version }))
    return { object: this.struct(resource.struct), list: this.struct(list) }
  }

  /** Status, and DeleteOptions as a kind of every group that is served. */
  common(groupVersions: readonly { group: string; version: string }[]): {
    status: JsonObject
    deleteOptions: JsonObject
  } {
    this.#kinds.set(status.name, [{ group: '', kind: 'Status', version: 'v1' }])
    this.#kinds.set(
      deleteOptions.name,
      groupVersions.map((gv) => ({ group: gv.group, kind: 'DeleteOptions', version: gv.version })),
    )
    return { status: this.struct(status), deleteOptions: this.struct(deleteOptions) }
  }

  #gvks(struct: Struct, gvk: JsonObject): JsonObject[] {
    const known = this.#kinds.get(struct.name) ?? []
    return known.some((other) => JSON.stringify(other) === JSON.stringify(gvk)) ? known : [...known, gvk]
  }

  #definition(struct: Struct): JsonObject {
    const kinds = this.#kinds.get(struct.name)
    if (struct.dynamic === true) return this.#dynamicDefinition(struct, kinds)
    const properties: JsonObject = {}
    const required: string[] = []
    for (const [key, field] of Object.entries(struct.fields)) {
      setOwn(properties, key, this.#field(field))
      if (field.required) required.push(key)
    }
    if (kinds !== undefined) for (const [key, schema] of Object.entries(KIND_FIELDS)) properties[key] ??= schema
    return {
      ...(struct.doc === undefined ? {} : { description: struct.doc }),
      type: 'object',
      ...(required.length === 0 ? {} : { required }),
      ...(Object.keys(properties).length === 0 ? {} : { properties }),
      ...(struct.atomic === true ? { 'x-kubernetes-map-type': 'atomic' } : {}),
      ...(kinds === undefined ? {} : { 'x-kubernetes-group-version-kind': kinds }),
    }
  }

  #dynamicDefinition(struct: Struct, kinds: JsonObject[] | undefined): JsonObject {
    const source = { ...struct.source }
    const own = isObject(source['properties']) ? source['properties'] : {}
    const properties = { ...own, ...KIND_FIELDS, metadata: this.struct(objectMeta) }
    const full = { ...source, type: 'object', properties }
    const shown = this.#version === 3 ? full : withoutVersion3(full)
    return { ...shown, ...(kinds === undefined ? {} : { 'x-kubernetes-group-version-kind': kinds }) }
  }

  #field(field: Field): JsonObject {
    const extras = fieldExtras(field)
    const type = this.#type(field)
    if (!('$ref' in type)) return { ...type, ...extras }
    if (Object.keys(extras).length === 0) return type
    // Version 3 forbids anything beside $ref; version 2's readers ignore it or use it.
    return this.#version === 3 ? { allOf: [type], ...extras } : { ...type, ...extras }
  }

  #type(field: Field): JsonObject {
    switch (field.type) {
      case 'struct':
        return field.struct === undefined ? {} : this.struct(field.struct())
      case 'list':
        return { type: 'array', items: field.of === undefined ? {} : this.#field(field.of) }
      case 'map':
        return { type: 'object', additionalProperties: field.of === undefined ? {} : this.#field(field.of) }
      default: {
        const name = NAMED_SCALARS[field.type]
        if (name === undefined) return { ...PLAIN_SCALARS[field.type] }
        if (!this.definitions.has(name)) this.definitions.set(name, this.#namedScalar(field.type))
        return { $ref: this.#prefix + name }
      }
    }
  }

  #namedScalar(type: NodeType): JsonObject {
    if (type === 'time') return { type: 'string', format: 'date-time' }
    if (type === 'microTime') return { type: 'string', format: 'date-time' }
    const [other, format] = type === 'quantity' ? ['number', undefined] : ['integer', 'int-or-string']
    const formatted = format === undefined ? {} : { format }
    if (this.#version === 2) return { type: 'string', ...formatted }
    return {
      ...formatted,
      oneOf: [
        type === 'quantity' ? { type: 'string' } : { type: other },
        { type: type === 'quantity' ? other : 'string' },
      ],
    }
  }
}

function fieldExtras(field: Field): JsonObject {
  const extras: JsonObject = {}
  const add = (key: string, value: unknown): void => {
    if (value !== undefined) extras[key] = value
  }
  add('description', field.doc)
  add('default', field.default)
  add('format', field.format)
  add('enum', field.enum)
  add('minimum', field.min)
  add('maximum', field.max)
  add('pattern', field.pattern)
  if (field.type === 'string') {
    add('minLength', field.minLength)
    add('maxLength', field.maxLength)
  }
  if (field.atomic !== undefined) add('x-kubernetes-map-type', field.atomic ? 'atomic' : 'granular')
  add('x-kubernetes-list-type', field.list)
  add('x-kubernetes-list-map-keys', field.keys)
  add('x-kubernetes-patch-merge-key', field.mergeKey)
  add('x-kubernetes-patch-strategy', field.strategy)
  return extras
}

const ONLY_VERSION_3 = new Set(['oneOf', 'anyOf', 'allOf', 'not', 'nullable', 'default', 'example', 'externalDocs'])

/** Version 2 has no unions and no null: what it cannot say is left out, as upstream does for custom resources. */
function withoutVersion3(schema: JsonObject): JsonObject {
  const open = schema['x-kubernetes-int-or-string'] === true || schema['nullable'] === true
  const out: JsonObject = {}
  for (const [key, value] of Object.entries(schema)) {
    if (ONLY_VERSION_3.has(key)) continue
    if (open && (key === 'type' || key === 'items' || key === 'properties')) continue
    if (key === 'properties' && isObject(value)) {
      const properties: JsonObject = {}
      for (const [name, property] of Object.entries(value))
        setOwn(properties, name, isObject(property) ? withoutVersion3(property) : {})
      out[key] = properties
    } else if ((key === 'items' || key === 'additionalProperties') && isObject(value)) out[key] = withoutVersion3(value)
    else out[key] = value
  }
  // Readers of version 2 treat an object with listed properties as closed.
  if (out['x-kubernetes-preserve-unknown-fields'] === true)
    for (const key of ['type', 'items', 'properties']) delete out[key]
  return out
}
