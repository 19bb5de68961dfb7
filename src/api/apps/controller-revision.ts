// ControllerRevision: what a set's pods were made from at one time, kept to tell pods apart and to go back.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { any, int64, required } from '../../apimachinery/schema.ts'
import { validateImmutable } from '../../apimachinery/validation.ts'
import { ageColumn } from '../columns.ts'

const controllerRevisionFields = {
  data: any(2),
  revision: required(int64(3, { default: 0, min: 0 })),
}
export interface ControllerRevision extends ObjectWith<typeof controllerRevisionFields> {}

export const controllerRevisions = defineResource({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  scope: 'Namespaced',
  model: 'io.k8s.api.apps.v1.ControllerRevision',
  views: [
    { version: 'v1beta2', deprecated: { since: '1.9', removed: '1.16' } },
    { version: 'v1beta1', deprecated: { since: '1.8', removed: '1.16' } },
  ],
  fields: controllerRevisionFields,
  columns: [
    { name: 'Controller', description: 'The set that made it.', cell: controllerText },
    { name: 'Revision', description: 'Its place in the history of the set.', cell: ({ revision }) => revision },
    ageColumn,
  ],
  age: false,
  validate({ data }, issues) {
    if (data === undefined) issues.required('data', 'data is mandatory')
  },
  validateUpdate(next, previous, issues) {
    validateImmutable(next.data, previous.data, 'data', issues)
  },
})

/** `statefulset.apps/web` */
function controllerText({ metadata }: Pick<ControllerRevision, 'metadata'>): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true)
  if (owner === undefined) return '<none>'
  const [group] = owner.apiVersion.split('/')
  const kind = owner.apiVersion.includes('/') ? `${owner.kind}.${group}` : owner.kind
  return `${kind.toLowerCase()}/${owner.name}`
}
