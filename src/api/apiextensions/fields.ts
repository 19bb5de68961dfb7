// What a custom resource definition is made of.

import type { TypeOf } from '../../apimachinery/schema.ts'
import { bool, bytes, int32, int64, list, ref, required, string, struct, time } from '../../apimachinery/schema.ts'
import { jsonSchemaProps } from './json-schema.ts'

export const customResourceDefinitionNames = struct(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames',
  {
    // Empty in the status until the names are accepted; in the spec that is refused.
    plural: required(string(1, { default: '' })),
    singular: string(2),
    shortNames: list(3, string(), { list: 'atomic' }),
    kind: required(string(4, { default: '' })),
    listKind: string(5),
    categories: list(6, string(), { list: 'atomic' }),
  },
)
export interface CustomResourceDefinitionNames extends TypeOf<typeof customResourceDefinitionNames> {}

export const customResourceColumnDefinition = struct(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceColumnDefinition',
  {
    name: required(string(1)),
    type: required(string(2)),
    format: string(3),
    description: string(4),
    priority: int32(5),
    jsonPath: required(string(6)),
  },
)
export interface CustomResourceColumnDefinition extends TypeOf<typeof customResourceColumnDefinition> {}

export const customResourceSubresourceScale = struct(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceScale',
  {
    specReplicasPath: required(string(1)),
    statusReplicasPath: required(string(2)),
    labelSelectorPath: string(3),
  },
)
export interface CustomResourceSubresourceScale extends TypeOf<typeof customResourceSubresourceScale> {}

export const customResourceSubresourceStatus = struct(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceStatus',
  {},
)
export interface CustomResourceSubresourceStatus extends TypeOf<typeof customResourceSubresourceStatus> {}

export const customResourceSubresources = struct(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresources',
  {
    status: ref(1, customResourceSubresourceStatus),
    scale: ref(2, customResourceSubresourceScale),
  },
)
export interface CustomResourceSubresources extends TypeOf<typeof customResourceSubresources> {}

export const customResourceValidation = struct(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceValidation',
  {
    openAPIV3Schema: ref(1, jsonSchemaProps),
  },
)
export interface CustomResourceValidation extends TypeOf<typeof customResourceValidation> {}

export const selectableField = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.SelectableField', {
  jsonPath: required(string(1)),
})
export interface SelectableField extends TypeOf<typeof selectableField> {}

export const customResourceDefinitionVersion = struct(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion',
  {
    name: required(string(1)),
    served: required(bool(2)),
    storage: required(bool(3)),
    deprecated: bool(7),
    deprecationWarning: string(8),
    schema: ref(4, customResourceValidation),
    subresources: ref(5, customResourceSubresources),
    additionalPrinterColumns: list(6, customResourceColumnDefinition, { list: 'atomic' }),
    selectableFields: list(9, selectableField, { list: 'atomic' }),
  },
)
export interface CustomResourceDefinitionVersion extends TypeOf<typeof customResourceDefinitionVersion> {}

export const serviceReference = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ServiceReference', {
  namespace: required(string(1)),
  name: required(string(2)),
  path: string(3),
  port: int32(4, { default: 443 }),
})
export interface ServiceReference extends TypeOf<typeof serviceReference> {}

export const webhookClientConfig = struct(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookClientConfig',
  {
    url: string(3),
    service: ref(1, serviceReference),
    caBundle: bytes(2),
  },
)
export interface WebhookClientConfig extends TypeOf<typeof webhookClientConfig> {}

export const webhookConversion = struct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookConversion', {
  clientConfig: ref(2, webhookClientConfig),
  conversionReviewVersions: required(list(3, string(), { list: 'atomic', default: [] })),
})
export interface WebhookConversion extends TypeOf<typeof webhookConversion> {}

export const customResourceConversion = struct(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceConversion',
  {
    strategy: required(string(1)),
    webhook: ref(2, webhookConversion),
  },
)
export interface CustomResourceConversion extends TypeOf<typeof customResourceConversion> {}

export const customResourceDefinitionSpec = struct(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec',
  {
    group: required(string(1)),
    names: required(ref(3, customResourceDefinitionNames, { default: {} })),
    scope: required(string(4)),
    versions: required(list(7, customResourceDefinitionVersion, { list: 'atomic', default: [] })),
    conversion: ref(9, customResourceConversion),
    preserveUnknownFields: bool(10),
  },
  {
    defaults(spec) {
      const { names } = spec
      if (names.kind !== '') {
        names.singular ??= names.kind.toLowerCase()
        names.listKind ??= `${names.kind}List`
      }
      spec.conversion ??= { strategy: 'None' }
    },
  },
)
export interface CustomResourceDefinitionSpec extends TypeOf<typeof customResourceDefinitionSpec> {}

export const customResourceDefinitionCondition = struct(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionCondition',
  {
    type: required(string(1)),
    status: required(string(2)),
    lastTransitionTime: time(3),
    reason: string(4),
    message: string(5),
    observedGeneration: int64(6),
  },
)
export interface CustomResourceDefinitionCondition extends TypeOf<typeof customResourceDefinitionCondition> {}

export const customResourceDefinitionStatus = struct(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionStatus',
  {
    conditions: list(1, customResourceDefinitionCondition, { list: 'map', keys: ['type'] }),
    acceptedNames: ref(2, customResourceDefinitionNames, { default: {} }),
    storedVersions: list(3, string(), { list: 'atomic' }),
    observedGeneration: int64(4),
  },
)
export interface CustomResourceDefinitionStatus extends TypeOf<typeof customResourceDefinitionStatus> {}
