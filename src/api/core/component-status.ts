// ComponentStatus: is a part of the control plane well. Deprecated since v1.19, and still what `kubectl get cs` asks for; answered, never stored.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { list, required, string, struct } from '../../apimachinery/schema.ts'

export const componentCondition = struct('io.k8s.api.core.v1.ComponentCondition', {
  type: required(string(1)),
  status: required(string(2)),
  message: string(3),
  error: string(4),
})
export interface ComponentCondition extends TypeOf<typeof componentCondition> {}

export const componentStatuses = defineResource({
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  plural: 'componentstatuses',
  scope: 'Cluster',
  shortNames: ['cs'],
  verbs: ['get', 'list'],
  generation: false,
  age: false,
  deprecation: 'v1 ComponentStatus is deprecated in v1.19+',
  model: 'io.k8s.api.core.v1.ComponentStatus',
  fields: {
    conditions: list(2, componentCondition, { list: 'map', keys: ['type'], mergeKey: 'type', strategy: 'merge' }),
  },
  columns: [
    {
      name: 'Status',
      description: 'Whether the component is healthy.',
      cell: (component) => {
        const { status } = healthOf(component.conditions)
        return status === 'True' ? 'Healthy' : status === 'False' ? 'Unhealthy' : 'Unknown'
      },
    },
    { name: 'Message', description: 'What it says.', cell: ({ conditions }) => healthOf(conditions).message ?? '' },
    {
      name: 'Error',
      description: 'What is wrong with it.',
      cell: ({ conditions }) => healthOf(conditions).error ?? '',
    },
  ],
})
export interface ComponentStatus extends ObjectOf<typeof componentStatuses> {}

type Conditions = readonly Readonly<ComponentCondition>[] | undefined

/** The one condition that there is. */
function healthOf(conditions: Conditions): Partial<ComponentCondition> {
  return conditions?.find(({ type }) => type === 'Healthy') ?? {}
}
