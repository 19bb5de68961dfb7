// ResourceSlice: a part of the devices that a driver offers.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { ref, required } from '../../apimachinery/schema.ts'
import { validateImmutable } from '../../apimachinery/validation.ts'
import { GROUP, V1 } from './claim-fields.ts'
import { resourceSliceSpec } from './slice-fields.ts'
import { validateSlice } from './validate-slice.ts'

const resourceSliceFields = { spec: required(ref(2, resourceSliceSpec, { default: {} })) }
export interface ResourceSlice extends ObjectWith<typeof resourceSliceFields> {}

export const resourceSlices = defineResource({
  group: GROUP,
  version: 'v1',
  kind: 'ResourceSlice',
  plural: 'resourceslices',
  scope: 'Cluster',
  generation: true,
  selectable: {
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    'spec.driver': ({ spec }) => spec.driver,
  },
  model: `${V1}.ResourceSlice`,
  fields: resourceSliceFields,
  columns: [
    { name: 'Node', description: 'Where the devices are.', cell: ({ spec }) => spec.nodeName ?? '' },
    { name: 'Driver', description: 'Whose devices they are.', cell: ({ spec }) => spec.driver },
    { name: 'Pool', description: 'What the devices are part of.', cell: ({ spec }) => spec.pool.name },
  ],
  validate({ spec }, issues) {
    validateSlice(spec, undefined, issues)
  },
  validateUpdate({ spec: next }, { spec: previous }, issues) {
    validateImmutable(next.pool.name, previous.pool.name, 'spec.pool.name', issues)
    validateImmutable(next.driver, previous.driver, 'spec.driver', issues)
    validateImmutable(next.nodeName, previous.nodeName, 'spec.nodeName', issues)
  },
})
