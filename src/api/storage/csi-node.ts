// CSINode: which drivers of volumes a node has, and what they call it.

import type { Issues } from '../../apimachinery/issues.ts'
import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { int32, list, ref, required, string, struct } from '../../apimachinery/schema.ts'
import {
  checkQualifiedName,
  checkValue,
  validateImmutable,
  validateNonNegative,
} from '../../apimachinery/validation.ts'
import { validateDriverName } from '../core/driver-name.ts'

export const volumeNodeResources = struct('io.k8s.api.storage.v1.VolumeNodeResources', {
  count: int32(1),
})
export interface VolumeNodeResources extends TypeOf<typeof volumeNodeResources> {}

export const csiNodeDriver = struct('io.k8s.api.storage.v1.CSINodeDriver', {
  name: required(string(1, { default: '' })),
  nodeID: required(string(2, { default: '' })),
  topologyKeys: list(3, string(), { list: 'atomic' }),
  allocatable: ref(4, volumeNodeResources),
})
export interface CSINodeDriver extends TypeOf<typeof csiNodeDriver> {}

export const csiNodeSpec = struct('io.k8s.api.storage.v1.CSINodeSpec', {
  drivers: required(
    list(1, csiNodeDriver, {
      list: 'map',
      keys: ['name'],
      mergeKey: 'name',
      strategy: 'merge',
      default: [],
      unique: true,
    }),
  ),
})
export interface CSINodeSpec extends TypeOf<typeof csiNodeSpec> {}

const csiNodeFields = { spec: required(ref(2, csiNodeSpec, { default: {} })) }
export interface CSINode extends ObjectWith<typeof csiNodeFields> {}

const MAX_NODE_ID = 256

function validateDriver(
  { name, nodeID, topologyKeys = [], allocatable }: CSINodeDriver,
  at: string,
  issues: Issues,
): void {
  validateDriverName(name, `${at}.name`, issues)
  if (nodeID === '') issues.required(`${at}.nodeID`)
  if (nodeID.length > MAX_NODE_ID) issues.invalid(`${at}.nodeID`, nodeID, `must be ${MAX_NODE_ID} characters or less`)
  validateNonNegative(allocatable?.count, `${at}.allocatable.count`, issues)
  topologyKeys.forEach((key, i) => {
    if (key === '') issues.required(at)
    if (topologyKeys.indexOf(key) < i) issues.duplicate(at, key)
    checkValue(key, checkQualifiedName, at, issues)
  })
}

export const csiNodes = defineResource({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  plural: 'csinodes',
  scope: 'Cluster',
  unconditionalUpdate: false,
  generation: false,
  model: 'io.k8s.api.storage.v1.CSINode',
  views: [{ version: 'v1beta1', deprecated: { since: '1.17', removed: '1.22' } }],
  fields: csiNodeFields,
  columns: [
    {
      name: 'Drivers',
      type: 'integer',
      description: 'How many drivers the node has.',
      cell: ({ spec }) => spec.drivers.length,
    },
  ],
  validate({ spec }, issues) {
    spec.drivers.forEach((driver, i) => {
      validateDriver(driver, `spec.drivers[${i}]`, issues)
    })
  },
  // How many volumes a driver takes may change; all else goes with the driver.
  validateUpdate(next, previous, issues) {
    for (const { allocatable: _, ...old } of previous.spec.drivers) {
      for (const { allocatable: __, ...driver } of next.spec.drivers) {
        if (driver.name === old.name) validateImmutable(driver, old, 'spec.drivers', issues)
      }
    }
  },
})
