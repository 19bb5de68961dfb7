// A version of a definition as a resource of the server: the same declaration that a built-in kind writes by hand.

import { applyDefaults } from '../../apimachinery/defaults.ts'
import { decode } from '../../apimachinery/decode.ts'
import { age } from '../../apimachinery/duration.ts'
import { findJsonPath, type JsonPath, parseJsonPath } from '../../apimachinery/jsonpath.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import { ALL_VERBS, type Column, type DeepReadonly, type Resource, type Verb } from '../../apimachinery/resource.ts'
import { findOffset, serialize } from '../../apimachinery/serialize.ts'
import { compileObjectCheck, type JsonSchema, structFromSchema } from '../../apimachinery/structural.ts'
import type { CustomResourceColumnDefinition, CustomResourceDefinitionVersion } from '../../api/apiextensions/fields.ts'
import { type Definition, isTrue, type Names } from './conditions.ts'

type Version = DeepReadonly<CustomResourceDefinitionVersion>

/** No objects come any more while their definition goes; those that are held must still be changed to be let go. */
const VERBS_WHILE_TERMINATING: readonly Verb[] = ALL_VERBS.filter((verb) => verb !== 'create')

const UNPRUNED: JsonSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

/** Throws when the schema cannot be loaded, which validation has told the definition's author already. */
export function resourceOf(definition: Definition, version: Version, names: Names): Resource<AnyObject> {
  const { group, scope } = definition.spec
  const { plural, kind, shortNames = [], categories = [] } = names
  const apiVersion = `${group}/${version.name}`
  const schema = (version.schema?.openAPIV3Schema ?? {}) as JsonSchema
  // Definitions from before pruning keep whatever comes; their schemas check it, but need not describe it whole.
  const shape = definition.spec.preserveUnknownFields === true ? UNPRUNED : schema
  const model = [...group.split('.').reverse(), version.name, kind].join('.')
  const columns = (version.additionalPrinterColumns ?? []).map(columnOf)
  const warning = version.deprecated ? (version.deprecationWarning ?? `${apiVersion} ${kind} is deprecated`) : undefined
  const scale = version.subresources?.scale
  const check = compileObjectCheck(schema)
  return {
    group,
    version: version.name,
    kind,
    plural,
    singular: names.singular ?? kind.toLowerCase(),
    listKind: names.listKind ?? `${kind}List`,
    apiVersion,
    groupResource: `${plural}.${group}`,
    shortNames,
    categories,
    scope: scope === 'Cluster' ? 'Cluster' : 'Namespaced',
    ...(isTrue(definition, 'Terminating') ? { verbs: VERBS_WHILE_TERMINATING } : {}),
    subresources: {
      status: version.subresources?.status !== undefined,
      ...(scale
        ? {
            scale: {
              spec: scale.specReplicasPath,
              status: scale.statusReplicasPath,
              ...(scale.labelSelectorPath ? { selector: scale.labelSelectorPath } : {}),
            },
          }
        : {}),
    },
    unconditionalUpdate: false,
    generation: true,
    custom: true,
    protobuf: false,
    struct: structFromSchema<AnyObject>(model, shape),
    validateWhole(object, previous, issues, warnings) {
      check({ object, issues, warnings, ...(previous === undefined ? {} : { previous }) })
    },
    selectable: Object.fromEntries((version.selectableFields ?? []).map(({ jsonPath }) => selectableOf(jsonPath))),
    columns,
    // A definition with columns of its own shows those and no others.
    age: columns.length === 0,
    ...(warning === undefined ? {} : { warnings: () => [warning] }),
  }
}

function parsed(path: string): JsonPath | undefined {
  try {
    return parseJsonPath(path)
  } catch {
    return undefined
  }
}

function columnOf(column: DeepReadonly<CustomResourceColumnDefinition>): Column<AnyObject> {
  const { name, type, format, description, priority, jsonPath } = column
  const path = parsed(jsonPath)
  return {
    name,
    type: type as NonNullable<Column<AnyObject>['type']>,
    description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    ...(format ? { format } : {}),
    ...(priority ? { priority } : {}),
    cell(object, { nowMs }) {
      const value = path && findJsonPath(path, object)[0]
      return cellOf(type, value, nowMs)
    },
  }
}

/** A value that is not of the column's type leaves the cell empty (upstream cellForJSONValue). */
function cellOf(type: string, value: unknown, nowMs: number): string | number | boolean | null {
  if (value === undefined || value === null) return null
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null
    case 'number':
      return typeof value === 'number' ? value : null
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'date':
      if (typeof value !== 'string') return null
      return Number.isNaN(Date.parse(value)) ? '<invalid>' : age(value, nowMs)
    default:
      return typeof value === 'string' ? value : JSON.stringify(value)
  }
}

function selectableOf(jsonPath: string): [string, (object: AnyObject) => string] {
  const path = parsed(jsonPath)
  const field = jsonPath.replace(/^\./, '')
  return [
    field,
    (object) => {
      const value = path && findJsonPath(path, object)[0]
      return value === undefined || value === null ? '' : String(value)
    },
  ]
}

/**
 * How stored bytes read in this version. Those of the same version are taken as they are. Those of another one get this version's name (strategy
 * None) or what `convert` makes of them, lose what its schema does not know, and get what it defaults.
 */
export function readerOf(
  resource: Resource<AnyObject>,
  convert?: (stored: Buffer) => Buffer | undefined,
): (stored: Buffer) => Buffer {
  const { kind, apiVersion } = resource
  const opening = Buffer.from(`{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":{`)
  return (stored) => {
    if (stored.subarray(0, opening.length).equals(opening)) return stored
    const converted = convert?.(stored) ?? Buffer.concat([opening, stored.subarray(findOffset(stored))])
    try {
      const { value } = decode(resource.struct, JSON.parse(converted.toString()), { unknownFields: 'ignore' })
      const object = value as AnyObject
      applyDefaults(resource.struct, object)
      return serialize(resource, object)
    } catch {
      // What the schema cannot even decode is shown as it is: reading must not fail for what was stored once.
      return converted
    }
  }
}
