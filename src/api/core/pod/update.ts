// What may change on a pod that exists: its images, a shorter deadline, further tolerations, fewer scheduling gates.

import type { Issues } from '../../../apimachinery/issues.ts'
import { cloneJson } from '../../../apimachinery/objects.ts'
import { sameJson } from '../../../apimachinery/validation.ts'
import type { Container } from './container.ts'
import type { Toleration } from './placement.ts'
import type { Pod } from './pod.ts'
import type { PodSpec } from './spec.ts'

const UPDATABLE = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',')

export function validatePodUpdate({ spec: next }: Pod, { spec: previous }: Pod, issues: Issues): void {
  for (const key of ['containers', 'initContainers'] as const) {
    if ((next[key] ?? []).length !== (previous[key] ?? []).length) {
      issues.forbidden(`spec.${key}`, `pod updates may not add or remove containers`)
      return
    }
  }
  validateDeadline(next.activeDeadlineSeconds, previous.activeDeadlineSeconds, issues)
  validateGates(next, previous, issues)
  validateTolerations(next.tolerations ?? [], previous.tolerations ?? [], issues)
  if (!sameJson(withoutUpdatable(next, previous), previous)) {
    issues.forbidden('spec', `pod updates may not change fields other than ${UPDATABLE}`)
  }
}

function validateDeadline(next: number | undefined, previous: number | undefined, issues: Issues): void {
  if (previous === undefined) return
  const at = 'spec.activeDeadlineSeconds'
  if (next === undefined) issues.invalid(at, next, 'must not update from a positive integer to nil value')
  else if (next > previous) issues.invalid(at, next, 'must be less than or equal to previous value')
}

function validateGates(next: PodSpec, previous: PodSpec, issues: Issues): void {
  const known = new Set(previous.schedulingGates?.map(({ name }) => name))
  for (const { name } of next.schedulingGates ?? []) {
    if (known.has(name)) continue
    issues.forbidden('spec.schedulingGates', `only deletion is allowed, but found new scheduling gate '${name}'`)
  }
}

function validateTolerations(next: readonly Toleration[], previous: readonly Toleration[], issues: Issues): void {
  const bare = ({ tolerationSeconds: _, ...rest }: Toleration): Omit<Toleration, 'tolerationSeconds'> => rest
  const kept = previous.every((old) => next.some((toleration) => sameJson(bare(toleration), bare(old))))
  if (!kept)
    issues.forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')
}

/** `next` with everything that may change as it was: what still differs may not. */
function withoutUpdatable(next: PodSpec, previous: PodSpec): PodSpec {
  const spec: PodSpec = cloneJson(next)
  restoreImages(spec.containers, previous.containers)
  restoreImages(spec.initContainers, previous.initContainers)
  restore(spec, previous, 'activeDeadlineSeconds')
  restore(spec, previous, 'tolerations')
  restore(spec, previous, 'schedulingGates')
  if ((previous.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) {
    restore(spec, previous, 'terminationGracePeriodSeconds')
  }
  // While gates hold a pod back, where it may go can still be narrowed; the scheduler has not looked at it yet.
  if ((previous.schedulingGates ?? []).length > 0) {
    if (narrows(next.nodeSelector, previous.nodeSelector)) restore(spec, previous, 'nodeSelector')
  }
  return spec
}

function restore<K extends keyof PodSpec>(spec: PodSpec, previous: PodSpec, key: K): void {
  if (previous[key] === undefined) delete spec[key]
  else spec[key] = previous[key]
}

function restoreImages(next: Container[] | undefined, previous: readonly Container[] | undefined): void {
  next?.forEach((container, i) => {
    const image = previous?.[i]?.image
    if (image === undefined) delete container.image
    else container.image = image
  })
}

function narrows(
  next: Readonly<Record<string, string>> = {},
  previous: Readonly<Record<string, string>> = {},
): boolean {
  return Object.entries(previous).every(([key, value]) => next[key] === value)
}
