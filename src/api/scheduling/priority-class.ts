// PriorityClass: gives a name to how important pods are.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { bool, int32, oneOf, string } from '../../apimachinery/schema.ts'
import { validateImmutable } from '../../apimachinery/validation.ts'
import { ageColumn } from '../columns.ts'

export const SYSTEM_PREFIX = 'system-'
/** Above it only the classes of the system. */
export const MAX_USER_PRIORITY = 1_000_000_000
const SYSTEM_PRIORITY = 2 * MAX_USER_PRIORITY

export interface SystemPriorityClass {
  readonly name: string
  readonly value: number
  readonly description: string
}

/** The classes that exist in every cluster. */
export const SYSTEM_PRIORITY_CLASSES: readonly SystemPriorityClass[] = [
  {
    name: 'system-node-critical',
    value: SYSTEM_PRIORITY + 1000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    name: 'system-cluster-critical',
    value: SYSTEM_PRIORITY,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
]

const priorityClassFields = {
  value: int32(2, { always: true, default: 0 }),
  globalDefault: bool(3),
  description: string(4),
  preemptionPolicy: oneOf(5, ['Never', 'PreemptLowerPriority'], { default: 'PreemptLowerPriority' }),
}
export interface PriorityClass extends ObjectWith<typeof priorityClassFields> {}

/** What is wrong with a class by a name of the system's; none when it is as the system made it. */
function systemProblem({ metadata, value, globalDefault = false }: PriorityClass): string | undefined {
  const known = SYSTEM_PRIORITY_CLASSES.find(({ name }) => name === metadata.name)
  if (known === undefined) return `${metadata.name} is not a known system priority class`
  if (value !== known.value) return `value of ${known.name} PriorityClass must be ${known.value}`
  return globalDefault ? `globalDefault of ${known.name} PriorityClass must be false` : undefined
}

export const priorityClasses = defineResource({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  scope: 'Cluster',
  shortNames: ['pc'],
  model: 'io.k8s.api.scheduling.v1.PriorityClass',
  views: [{ version: 'v1beta1', deprecated: { since: '1.14', removed: '1.22' } }],
  fields: priorityClassFields,
  // It has a generation, which nothing counts.
  prepareCreate({ metadata }) {
    metadata.generation = 1
  },
  columns: [
    { name: 'Value', type: 'integer', description: 'The priority of the pods.', cell: ({ value }) => value ?? 0 },
    {
      name: 'Global-Default',
      type: 'boolean',
      description: 'Whether pods that name no class are of this one.',
      cell: ({ globalDefault }) => globalDefault ?? false,
    },
    ageColumn,
    {
      name: 'PreemptionPolicy',
      description: 'Whether the pods may push out others.',
      cell: ({ preemptionPolicy }) => preemptionPolicy ?? '',
    },
  ],
  age: false,
  validate(priorityClass, issues) {
    const { metadata, value = 0 } = priorityClass
    if (metadata.name?.startsWith(SYSTEM_PREFIX)) {
      const problem = systemProblem(priorityClass)
      if (problem === undefined) return
      const why = `priority class names with '${SYSTEM_PREFIX}' prefix are reserved for system use only. error: ${problem}`
      issues.forbidden('metadata.name', why)
    } else if (value > MAX_USER_PRIORITY) {
      issues.forbidden('value', `maximum allowed value of a user defined priority is ${MAX_USER_PRIORITY}`)
    }
  },
  validateUpdate(next, previous, issues) {
    if (next.value !== previous.value) issues.forbidden('value', 'may not be changed in an update.')
    validateImmutable(next.preemptionPolicy, previous.preemptionPolicy, 'preemptionPolicy', issues)
  },
})
