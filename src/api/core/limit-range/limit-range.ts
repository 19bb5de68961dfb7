// LimitRange: the least and the most that one pod, container or claim of a namespace may ask for, and what it gets when it does not ask.

import type { ObjectWith } from '../../../apimachinery/resource.ts'
import { defineResource } from '../../../apimachinery/resource.ts'
import type { TypeOf } from '../../../apimachinery/schema.ts'
import { list, mapOf, quantity, ref, required, string, struct } from '../../../apimachinery/schema.ts'
import { validateLimitRangeItem } from './validate.ts'

export const limitRangeItem = struct(
  'io.k8s.api.core.v1.LimitRangeItem',
  {
    type: required(string(1, { unchecked: true })),
    max: mapOf(2, quantity()),
    min: mapOf(3, quantity()),
    default: mapOf(4, quantity()),
    defaultRequest: mapOf(5, quantity()),
    maxLimitRequestRatio: mapOf(6, quantity()),
  },
  {
    // A container that does not ask gets the most as its limit, and its limit, or else the least, as its request.
    defaults(item) {
      if (item.type !== 'Container') return
      item.default = { ...item.max, ...item.default }
      item.defaultRequest = { ...item.min, ...item.default, ...item.defaultRequest }
    },
  },
)
export interface LimitRangeItem extends TypeOf<typeof limitRangeItem> {}

export const limitRangeSpec = struct('io.k8s.api.core.v1.LimitRangeSpec', {
  limits: required(list(1, limitRangeItem, { list: 'atomic', default: [] })),
})
export interface LimitRangeSpec extends TypeOf<typeof limitRangeSpec> {}

const limitRangeFields = { spec: required(ref(2, limitRangeSpec, { default: {} })) }
export interface LimitRange extends ObjectWith<typeof limitRangeFields> {}

export const limitRanges = defineResource({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  scope: 'Namespaced',
  shortNames: ['limits'],
  createOnUpdate: true,
  model: 'io.k8s.api.core.v1.LimitRange',
  fields: limitRangeFields,
  columns: [
    {
      name: 'Created At',
      description: 'When the object was created.',
      cell: ({ metadata }) => metadata.creationTimestamp ?? '<unknown>',
    },
  ],
  age: false,
  validate({ spec }, issues) {
    const types = new Set<string>()
    spec.limits.forEach((item, i) => {
      const at = `spec.limits[${i}]`
      validateLimitRangeItem(item, at, types, issues)
      types.add(item.type ?? '')
    })
  },
})
