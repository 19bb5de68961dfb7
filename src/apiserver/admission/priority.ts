// Priority: a pod gets the number that its class stands for; one class at most is everybody's, and those of the system stay.

import * as errors from '../../apimachinery/errors.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Pod } from '../../api/core/pod/pod.ts'
import { type PriorityClass, priorityClasses, SYSTEM_PRIORITY_CLASSES } from '../../api/scheduling/priority-class.ts'
import type { AdmissionPlugin, Attributes } from './admission.ts'

export interface PriorityClassSource {
  find(name: string): DeepReadonly<PriorityClass> | undefined
  all(): Iterable<DeepReadonly<PriorityClass>>
}

export function priority(classes: PriorityClassSource): AdmissionPlugin {
  return {
    name: 'Priority',
    mutate(attributes) {
      const { operation, resource, subresource } = attributes
      if (resource.groupResource !== 'pods' || subresource !== '') return
      if (operation === 'CREATE') admitPod(attributes, classes)
      if (operation === 'UPDATE') keepPriority(attributes)
    },
    validate(attributes) {
      const { operation, resource, subresource, name } = attributes
      if (resource.groupResource !== priorityClasses.groupResource || subresource !== '') return
      if (operation === 'DELETE' && SYSTEM_PRIORITY_CLASSES.some((known) => known.name === name)) {
        throw errors.forbidden(resource, name, 'this is a system priority class and cannot be deleted')
      }
      checkDefault(attributes, classes)
    },
  }
}

function admitPod({ object, resource, name }: Attributes, classes: PriorityClassSource): void {
  const { spec } = object as unknown as Pod
  if (!spec) return
  const named = spec.priorityClassName ?? ''
  const found = named === '' ? defaultClass(classes) : classes.find(named)
  if (named !== '' && !found) {
    throw errors.forbidden(resource, name, `no PriorityClass with name ${named} was found`)
  }
  if (found) spec.priorityClassName = found.metadata.name
  const value = found?.value ?? 0
  if (spec.priority !== undefined && spec.priority !== value) {
    throw errors.forbidden(
      resource,
      name,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
    )
  }
  spec.priority = value
  const policy = found?.preemptionPolicy ?? 'PreemptLowerPriority'
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
    throw errors.forbidden(
      resource,
      name,
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
    )
  }
  spec.preemptionPolicy = policy
}

/** Who leaves out what was computed does not mean to change it. */
function keepPriority({ object, previous }: Attributes): void {
  const { spec } = object as unknown as Pod
  const old = (previous as unknown as DeepReadonly<Pod>).spec
  if (!spec || !old) return
  if (old.priority !== undefined) spec.priority ??= old.priority
  if (old.preemptionPolicy !== undefined) spec.preemptionPolicy ??= old.preemptionPolicy
}

/** Two may have become the default at once: the lesser one counts. */
function defaultClass(classes: PriorityClassSource): DeepReadonly<PriorityClass> | undefined {
  let least: DeepReadonly<PriorityClass> | undefined
  for (const item of classes.all()) {
    if (item.globalDefault === true && (least === undefined || (item.value ?? 0) < (least.value ?? 0))) least = item
  }
  return least
}

function checkDefault({ operation, object, resource, name }: Attributes, classes: PriorityClassSource): void {
  if (operation !== 'CREATE' && operation !== 'UPDATE') return
  if ((object as unknown as PriorityClass).globalDefault !== true) return
  const present = defaultClass(classes)
  if (present === undefined || (operation === 'UPDATE' && present.metadata.name === name)) return
  const why = `PriorityClass ${present.metadata.name} is already marked as default. Only one default can exist`
  throw errors.forbidden(resource, name, why)
}
