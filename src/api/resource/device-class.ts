// DeviceClass: names devices by what they are, and how their driver is to be set up for them.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { list, ref, required, string, struct } from '../../apimachinery/schema.ts'
import { checkQualifiedName } from '../../apimachinery/validation.ts'
import { MAX_CONFIGS, validateConfiguration, validateItems, validateSelectors } from './checks.ts'
import { deviceSelector, GROUP, opaqueDeviceConfiguration, V1 } from './claim-fields.ts'

export const deviceClassConfiguration = struct(`${V1}.DeviceClassConfiguration`, {
  opaque: ref(1, opaqueDeviceConfiguration),
})
export interface DeviceClassConfiguration extends TypeOf<typeof deviceClassConfiguration> {}

export const deviceClassSpec = struct(`${V1}.DeviceClassSpec`, {
  selectors: list(1, deviceSelector, { list: 'atomic' }),
  config: list(2, deviceClassConfiguration, { list: 'atomic' }),
  extendedResourceName: string(4),
})
export interface DeviceClassSpec extends TypeOf<typeof deviceClassSpec> {}

const deviceClassFields = { spec: required(ref(2, deviceClassSpec, { default: {} })) }
export interface DeviceClass extends ObjectWith<typeof deviceClassFields> {}

/** A resource with a domain that is not the system's own. */
function isExtended(name: string): boolean {
  if (!name.includes('/') || name.includes('kubernetes.io/') || name.startsWith('requests.')) return false
  return checkQualifiedName(`requests.${name}`).length === 0
}

export const deviceClasses = defineResource({
  group: GROUP,
  version: 'v1',
  kind: 'DeviceClass',
  plural: 'deviceclasses',
  scope: 'Cluster',
  generation: true,
  model: `${V1}.DeviceClass`,
  fields: deviceClassFields,
  validate({ spec: { selectors, config, extendedResourceName: name } }, issues) {
    validateSelectors(selectors, 'spec.selectors', issues)
    validateItems(config, MAX_CONFIGS, 'spec.config', issues, (item, at) => {
      validateConfiguration(item, at, issues)
    })
    if (name !== undefined && !isExtended(name)) {
      issues.invalid('spec.extendedResourceName', name, 'must be a valid extended resource name')
    }
  },
})
