// Checks the definition of a custom resource: its names, its versions, and that every version's schema is structural.

import type { Issues } from '../../apimachinery/issues.ts'
import { checkLabel1035, checkSubdomain, checkValue, validateImmutable } from '../../apimachinery/validation.ts'
import type { CustomResourceDefinition } from './custom-resource-definition.ts'
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
} from './fields.ts'
import { resolveFieldPath } from '../../apimachinery/cel/schema/field-path.ts'
import type { JsonSchema } from '../../apimachinery/schema-validator.ts'
import { APPROVAL_ANNOTATION, approvalOf, isProtectedGroup } from './approval.ts'
import type { JSONSchemaProps } from './json-schema.ts'
import { validateLooseRootSchema, validateRootSchema } from './structural.ts'
import { validateConversion } from './validate-conversion.ts'
import { hasDefaults, validateDefaults } from './validate-defaults.ts'
import { validateRules } from './validation-rules.ts'

export function validateDefinition(
  { metadata, spec }: CustomResourceDefinition,
  issues: Issues,
  previous?: CustomResourceDefinition,
): void {
  const prunes = spec.preserveUnknownFields !== true
  const { group, names, scope, versions = [] } = spec
  if (group !== undefined && names.plural !== '' && metadata.name !== `${names.plural}.${group}`) {
    issues.invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group')
  }
  if (group === '') issues.required('spec.group')
  else if (group !== undefined) {
    checkValue(group, checkSubdomain, 'spec.group', issues)
    if (!group.includes('.')) issues.invalid('spec.group', group, 'should be a domain with at least one dot')
  }
  if (scope !== undefined && scope !== 'Cluster' && scope !== 'Namespaced') {
    if (scope === '') issues.required('spec.scope')
    else issues.notSupported('spec.scope', scope, ['Cluster', 'Namespaced'])
  }
  validateDefinitionNames(names, 'spec.names', issues)
  const seen = new Set<string>()
  versions.forEach((version, i) => {
    validateVersion(version, { at: `spec.versions[${i}]`, prunes, issues })
    if (version.name !== undefined && seen.has(version.name)) {
      issues.invalid(`spec.versions[${i}].name`, version.name, 'must contain unique version names')
    }
    seen.add(version.name)
  })
  if (versions.filter(({ storage }) => storage).length !== 1) {
    issues.invalid('spec.versions', versions, 'must have exactly one version marked as storage version')
  }
  if (spec.conversion) validateConversion(spec.conversion, 'spec.conversion', issues)
  if (!prunes) validateUnpruned(spec, previous?.spec, issues)
}

/** Definitions from before pruning keep what they do not know; new ones say so in their schemas. */
function validateUnpruned(
  { conversion }: CustomResourceDefinition['spec'],
  previous: CustomResourceDefinition['spec'] | undefined,
  issues: Issues,
): void {
  const { strategy = 'None' } = conversion ?? {}
  if (strategy !== 'None') {
    issues.invalid('spec.conversion.strategy', strategy, 'must be None if spec.preserveUnknownFields is true')
  }
  if (previous?.preserveUnknownFields === true) return
  const detail =
    'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead'
  issues.invalid('spec.preserveUnknownFields', true, detail)
}

/** On creation, and on updates that change the state of the approval. */
export function validateApproval(
  { metadata, spec }: CustomResourceDefinition,
  previous: CustomResourceDefinition | undefined,
  issues: Issues,
): void {
  if (!isProtectedGroup(spec.group ?? '')) return
  const { state, message } = approvalOf(metadata.annotations)
  if (previous && approvalOf(previous.metadata.annotations).state === state) return
  const at = `metadata.annotations[${APPROVAL_ANNOTATION}]`
  if (state === 'missing') issues.required(at, message)
  if (state === 'invalid') issues.invalid(at, metadata.annotations?.[APPROVAL_ANNOTATION], message)
}

function validateDefinitionNames(names: CustomResourceDefinitionNames, at: string, issues: Issues): void {
  for (const key of ['plural', 'singular', 'kind', 'listKind'] as const) {
    const value = names[key]
    if (value === undefined) continue
    if (value === '') issues.required(`${at}.${key}`)
    // Kinds are written in capitals, but otherwise follow the same rule.
    else for (const problem of checkLabel1035(value.toLowerCase())) issues.invalid(`${at}.${key}`, value, problem)
  }
  for (const key of ['shortNames', 'categories'] as const) {
    names[key]?.forEach((value, i) => {
      checkValue(value, checkLabel1035, `${at}.${key}[${i}]`, issues)
    })
  }
  if (names.kind !== '' && names.kind === names.listKind) {
    issues.invalid(`${at}.listKind`, names.listKind, 'kind and listKind may not be the same')
  }
}

interface VersionCheck {
  at: string
  prunes: boolean
  issues: Issues
}

function validateVersion(version: CustomResourceDefinitionVersion, { at, prunes, issues }: VersionCheck): void {
  if (version.name !== undefined) checkValue(version.name, checkLabel1035, `${at}.name`, issues)
  const schema = version.schema?.openAPIV3Schema
  if (!prunes) {
    if (schema !== undefined) validateUnprunedSchema(schema, `${at}.schema.openAPIV3Schema`, issues)
  } else if (schema === undefined) issues.required(`${at}.schema.openAPIV3Schema`, 'schemas are required')
  else {
    const before = issues.list.length
    validateRootSchema(schema, `${at}.schema.openAPIV3Schema`, issues)
    // What is not structural has no types to compile rules with.
    if (issues.list.length === before) {
      validateDefaults(asJson(schema), `${at}.schema.openAPIV3Schema`, issues)
      if (issues.list.length === before) validateRules(schema, `${at}.schema.openAPIV3Schema`, issues)
    }
  }
  if (version.selectableFields && version.selectableFields.length > 0) {
    const fields = `${at}.selectableFields`
    if (schema === undefined) issues.invalid(fields, '', 'may only be set when validations.schema is included')
    else validateSelectable(version.selectableFields, asJson(schema), fields, issues)
  }
  const scale = version.subresources?.scale
  if (scale !== undefined) {
    validatePath(scale.specReplicasPath, '.spec', `${at}.subresources.scale.specReplicasPath`, issues)
    validatePath(scale.statusReplicasPath, '.status', `${at}.subresources.scale.statusReplicasPath`, issues)
  }
  version.additionalPrinterColumns?.forEach((column, i) => {
    validateColumn(column, `${at}.additionalPrinterColumns[${i}]`, issues)
  })
}

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string']
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']

function validateColumn(column: CustomResourceColumnDefinition, at: string, issues: Issues): void {
  const { name, type = '', format = '', jsonPath = '' } = column
  if (name === '') issues.required(`${at}.name`)
  const types = `must be one of ${COLUMN_TYPES.join(',')}`
  if (type === '') issues.required(`${at}.type`, types)
  else if (!COLUMN_TYPES.includes(type)) issues.invalid(`${at}.type`, type, types)
  if (format !== '' && !COLUMN_FORMATS.includes(format)) {
    issues.invalid(`${at}.format`, format, `must be one of ${COLUMN_FORMATS.join(',')}`)
  }
  // Upstream's path is that of its internal type, in which the field is written so.
  if (jsonPath === '') issues.required(`${at}.JSONPath`)
  else if (!jsonPath.startsWith('.')) {
    issues.invalid(`${at}.JSONPath`, jsonPath, 'must be a simple json path starting with .')
  }
}

function validateUnprunedSchema(schema: JSONSchemaProps, at: string, issues: Issues): void {
  validateLooseRootSchema(schema, at, issues)
  if (!hasDefaults(asJson(schema))) return
  const detail = 'must be false in order to use defaults in the schema'
  issues.invalid('spec.preserveUnknownFields', true, detail)
}

/** Of one version, as many as the API allows. */
const MAX_SELECTABLE_FIELDS = 8

function validateSelectable(
  fields: readonly { jsonPath: string }[],
  schema: JsonSchema,
  at: string,
  issues: Issues,
): void {
  const seen = new Set<string>()
  fields.forEach(({ jsonPath }, i) => {
    const here = `${at}[${i}].jsonPath`
    if (jsonPath === '' || jsonPath === undefined) {
      issues.required(here)
      return
    }
    const found = resolveFieldPath(jsonPath, schema, false)
    if (typeof found === 'string') {
      issues.invalid(here, jsonPath, `is an invalid path: ${found}`)
      return
    }
    if (/^metadata(\.|$)/.test(found.path)) issues.invalid(here, jsonPath, 'must not point to fields in metadata')
    if (!['string', 'boolean', 'integer'].includes(String(found.schema['type']))) {
      const detail =
        'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.'
      issues.invalid(here, jsonPath, detail)
    }
    if (seen.has(found.path)) issues.duplicate(here, jsonPath)
    seen.add(found.path)
  })
  if (seen.size > MAX_SELECTABLE_FIELDS) issues.tooMany(at, seen.size, MAX_SELECTABLE_FIELDS)
}

/** The walkers of apimachinery read schemas as plain JSON. */
function asJson(schema: object): JsonSchema {
  return schema as JsonSchema
}

function validatePath(path: string | undefined, root: string, at: string, issues: Issues): void {
  if (path === undefined) return
  if (path === '') issues.required(at)
  else if (!path.startsWith(`${root}.`)) issues.invalid(at, path, `should be a json path under ${root}`)
}

/** Once established, what objects are called and where they live stays. */
export function validateDefinitionUpdate(
  { spec: next, ...rest }: CustomResourceDefinition,
  { spec: previous, status }: CustomResourceDefinition,
  issues: Issues,
): void {
  const established = status?.conditions?.some(({ type, status: value }) => type === 'Established' && value === 'True')
  if (established) {
    validateImmutable(next.scope, previous.scope, 'spec.scope', issues)
    validateImmutable(next.names.kind, previous.names.kind, 'spec.names.kind', issues)
  }
  validateImmutable(next.group, previous.group, 'spec.group', issues)
  validateImmutable(next.names.plural, previous.names.plural, 'spec.names.plural', issues)
  const kept = new Set(next.versions.map(({ name }) => name))
  const stored = rest.status?.storedVersions ?? status?.storedVersions ?? []
  stored.forEach((version, i) => {
    if (kept.has(version)) return
    issues.invalid(
      `status.storedVersions[${i}]`,
      version,
      'missing from spec.versions; version was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in this version and removes it from status.storedVersions',
    )
  })
}
