// RuntimeClass: a pod of a class pays the class's overhead and goes where the class is to be had.

import * as errors from '../../apimachinery/errors.ts'
import { sameJson } from '../../apimachinery/validation.ts'
import { compareQuantities } from '../../apimachinery/quantity.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Toleration } from '../../api/core/pod/placement.ts'
import type { Pod } from '../../api/core/pod/pod.ts'
import type { RuntimeClass } from '../../api/node/runtime-class.ts'
import type { AdmissionPlugin, Attributes } from './admission.ts'

type Find = (name: string) => DeepReadonly<RuntimeClass> | undefined

export function runtimeClassAdmission(find: Find): AdmissionPlugin {
  return {
    name: 'RuntimeClass',
    mutate(attributes) {
      const spec = newSpec(attributes)
      if (!spec) return
      const runtimeClass = classOf(spec, find, attributes)
      const podFixed = runtimeClass?.overhead && (runtimeClass.overhead.podFixed ?? {})
      if (podFixed) {
        if (spec.overhead !== undefined && !sameAmounts(podFixed, spec.overhead)) reject(attributes, MISMATCH)
        spec.overhead = { ...podFixed }
      }
      if (runtimeClass?.scheduling) place(spec, runtimeClass.scheduling, attributes)
    },
    validate(attributes) {
      const spec = newSpec(attributes)
      if (!spec) return
      const overhead = classOf(spec, find, attributes)?.overhead
      if (overhead) {
        if (!sameAmounts(overhead.podFixed ?? {}, spec.overhead ?? {})) reject(attributes, MISMATCH)
      } else if (spec.overhead !== undefined) {
        reject(attributes, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead')
      }
    },
  }
}

const MISMATCH = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"

function reject({ resource, name }: Attributes, why: string): never {
  throw errors.forbidden(resource, name, why)
}

function newSpec({ operation, resource, subresource, object }: Attributes): Pod['spec'] | undefined {
  const isNewPod = operation === 'CREATE' && resource.groupResource === 'pods' && subresource === ''
  return isNewPod ? (object as unknown as Pod).spec : undefined
}

function classOf(
  { runtimeClassName: name }: Pod['spec'],
  find: Find,
  attributes: Attributes,
): DeepReadonly<RuntimeClass> | undefined {
  if (name === undefined) return undefined
  return find(name) ?? reject(attributes, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`)
}

type Amounts = Readonly<Record<string, string>>

function sameAmounts(a: Amounts, b: Amounts): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...names].every((name) => {
    const [left, right] = [a[name], b[name]]
    return left !== undefined && right !== undefined && compareQuantities(left, right) === 0
  })
}

function place(
  spec: Pod['spec'],
  { nodeSelector, tolerations }: NonNullable<DeepReadonly<RuntimeClass>['scheduling']>,
  attributes: Attributes,
): void {
  const selector = { ...spec.nodeSelector }
  for (const [key, value] of Object.entries(nodeSelector ?? {})) {
    const own = selector[key]
    if (own !== undefined && own !== value) {
      const theirs = `runtimeClass.scheduling.nodeSelector[${key}] = ${value}`
      reject(attributes, `conflict: ${theirs}; pod.spec.nodeSelector[${key}] = ${own}`)
    }
    selector[key] = value
  }
  if (Object.keys(selector).length > 0) spec.nodeSelector = selector
  const merged = mergeTolerations([...(spec.tolerations ?? []), ...(tolerations ?? [])])
  if (merged.length > 0) spec.tolerations = merged
}

/** Without those that another one covers; of equal ones the first stays. */
export function mergeTolerations(all: readonly DeepReadonly<Toleration>[]): Toleration[] {
  const merged: Toleration[] = []
  all.forEach((toleration, i) => {
    if (merged.some((other) => covers(other, toleration))) return
    const later = all.slice(i + 1)
    if (later.some((other) => !sameJson(other, toleration) && covers(other, toleration))) return
    merged.push({ ...toleration })
  })
  return merged
}

/** Whether `wide` tolerates all that `narrow` does. */
function covers(wide: DeepReadonly<Toleration>, narrow: DeepReadonly<Toleration>): boolean {
  if (sameJson(wide, narrow)) return true
  const { key = '', operator = 'Equal', effect = '', value = '', tolerationSeconds: seconds } = wide
  if ((narrow.key ?? '') !== key && (key !== '' || operator !== 'Exists')) return false
  if ((narrow.effect ?? '') !== effect && effect !== '') return false
  const shorter = seconds !== undefined && (narrow.tolerationSeconds ?? Number.POSITIVE_INFINITY) > seconds
  if (effect === 'NoExecute' && shorter) return false
  if (operator === 'Exists') return true
  return operator === 'Equal' && narrow.operator === 'Equal' && (narrow.value ?? '') === value
}
