// CustomResourceDefinition in its beta: what all versions have alike may be said once, and nothing is pruned unless that is asked for.

import type { AnyObject } from '../../apimachinery/metadata.ts'
import { cloneJson, isObject, type JsonObject } from '../../apimachinery/objects.ts'
import { bool, list, ref, required, string } from '../../apimachinery/schema.ts'
import { sameJson } from '../../apimachinery/validation.ts'
import { type View, variantOf } from '../../apimachinery/view.ts'
import { APPROVAL_ANNOTATION } from './approval.ts'
import {
  customResourceColumnDefinition,
  customResourceConversion,
  customResourceDefinitionSpec,
  customResourceDefinitionVersion,
  customResourceSubresources,
  customResourceValidation,
  selectableField,
  webhookClientConfig,
} from './fields.ts'

const V1BETA1 = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1beta1'

const column = variantOf(customResourceColumnDefinition, `${V1BETA1}.CustomResourceColumnDefinition`, {
  jsonPath: null,
  JSONPath: required(string(6)),
})
const columns = (number: number) => list(number, column, { list: 'atomic', nilable: false })
const version = variantOf(customResourceDefinitionVersion, `${V1BETA1}.CustomResourceDefinitionVersion`, {
  additionalPrinterColumns: columns(6),
})
const conversion = variantOf(customResourceConversion, `${V1BETA1}.CustomResourceConversion`, {
  webhook: null,
  webhookClientConfig: ref(2, webhookClientConfig),
  conversionReviewVersions: list(3, string(), { list: 'atomic', nilable: false }),
})
const spec = variantOf(customResourceDefinitionSpec, `${V1BETA1}.CustomResourceDefinitionSpec`, {
  version: string(2, { nilable: false }),
  scope: string(4),
  validation: ref(5, customResourceValidation),
  subresources: ref(6, customResourceSubresources),
  versions: list(7, version, { list: 'atomic', nilable: false }),
  additionalPrinterColumns: columns(8),
  selectableFields: list(11, selectableField, { list: 'atomic', nilable: false }),
  conversion: ref(9, conversion),
  preserveUnknownFields: bool(10, { nilable: true }),
})

/** What is said of every version, by its name above the versions, and its name in one. */
const COMMON = {
  validation: 'schema',
  subresources: 'subresources',
  additionalPrinterColumns: 'additionalPrinterColumns',
  selectableFields: 'selectableFields',
} as const

function objectsIn(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

function rename(object: JsonObject, from: string, to: string): void {
  if (object[from] !== undefined) object[to] = object[from]
  delete object[from]
}

function renameColumns(versions: readonly JsonObject[], from: string, to: string): void {
  for (const each of versions) for (const shown of objectsIn(each['additionalPrinterColumns'])) rename(shown, from, to)
}

function conversionToHub(given: unknown): void {
  if (!isObject(given)) return
  const { webhookClientConfig: clientConfig, conversionReviewVersions } = given
  delete given['webhookClientConfig']
  delete given['conversionReviewVersions']
  if (clientConfig === undefined && conversionReviewVersions === undefined) return
  given['webhook'] = {
    ...(clientConfig === undefined ? {} : { clientConfig }),
    ...(conversionReviewVersions === undefined ? {} : { conversionReviewVersions }),
  }
}

function conversionFromHub(stored: unknown): void {
  if (!isObject(stored) || !isObject(stored['webhook'])) return
  const { clientConfig, conversionReviewVersions } = stored['webhook']
  delete stored['webhook']
  if (clientConfig !== undefined) stored['webhookClientConfig'] = clientConfig
  if (conversionReviewVersions !== undefined) stored['conversionReviewVersions'] = conversionReviewVersions
}

function toHub({ spec: given }: AnyObject): void {
  if (!isObject(given)) return
  const { version: name } = given
  delete given['version']
  if (objectsIn(given['versions']).length === 0 && name !== undefined) {
    given['versions'] = [{ name, served: true, storage: true }]
  }
  const versions = objectsIn(given['versions'])
  for (const [above, within] of Object.entries(COMMON)) {
    const common = given[above]
    delete given[above]
    if (common !== undefined) for (const each of versions) each[within] = cloneJson(common)
  }
  renameColumns(versions, 'JSONPath', 'jsonPath')
  conversionToHub(given['conversion'])
}

function fromHub({ spec: stored, metadata }: AnyObject): void {
  if (!isObject(stored)) return
  const versions = objectsIn(stored['versions'])
  const [first] = versions
  renameColumns(versions, 'jsonPath', 'JSONPath')
  if (first !== undefined) {
    stored['version'] = first['name']
    for (const [above, within] of Object.entries(COMMON)) {
      const common = first[within]
      if (!versions.every((each) => sameJson(each[within], common))) continue
      if (common !== undefined) stored[above] = common
      for (const each of versions) delete each[within]
    }
  }
  conversionFromHub(stored['conversion'])
  // What is stored says so by silence; what is only being put together may still get this version's default.
  if (metadata.uid !== undefined) stored['preserveUnknownFields'] ??= false
}

function defaults({ spec: given }: AnyObject): void {
  if (!isObject(given)) return
  given['scope'] ||= 'Namespaced'
  given['preserveUnknownFields'] ??= true
  const { conversion: how } = given
  if (isObject(how) && how['strategy'] === 'Webhook') how['conversionReviewVersions'] ??= ['v1beta1']
}

export const customResourceDefinitionViews: readonly View[] = [
  {
    version: 'v1beta1',
    deprecated: { since: '1.16', removed: '1.22' },
    fields: { spec: required(ref(2, spec, { default: {} })) },
    defaults,
    toHub,
    fromHub,
    permits: ({ field, message }) =>
      (field === 'spec.preserveUnknownFields' && message.includes('cannot set to true')) ||
      field === `metadata.annotations[${APPROVAL_ANNOTATION}]`,
  },
]
