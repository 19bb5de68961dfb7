// Checks stateful sets: what a set and its claims say, what may change, and whether the counts of its status fit each other.

import type { Issues } from '../../apimachinery/issues.ts'
import { validate } from '../../apimachinery/validate.ts'
import { checkLabel, checkValue, sameJson } from '../../apimachinery/validation.ts'
import { podTemplateSpec } from '../core/pod/template.ts'
import type { StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy } from './stateful-set.ts'
import { validateCollisionCount, validateSelecting, validateShare } from './validate.ts'

export function validateStatefulSet({ spec }: StatefulSet, issues: Issues): void {
  const { podManagementPolicy: policy = '', serviceName = '' } = spec
  if (policy === '') issues.required('spec.podManagementPolicy')
  else if (policy !== 'OrderedReady' && policy !== 'Parallel') {
    issues.invalid('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'")
  }
  validateStrategy(spec.updateStrategy ?? {}, 'spec.updateStrategy', issues)
  if (serviceName !== '') checkValue(serviceName, checkLabel, 'spec.serviceName', issues)
  validateSelecting(spec, 'StatefulSet', 'spec', issues)
  validate(podTemplateSpec, withClaims(spec), issues, 'spec.template')
}

/** The template as pods are made from it: each claim is a volume, before any other of the same name. */
function withClaims({ template, volumeClaimTemplates = [] }: StatefulSetSpec): StatefulSetSpec['template'] {
  if (volumeClaimTemplates.length === 0) return template
  const claims = volumeClaimTemplates.map(({ metadata }) => ({
    name: metadata?.name ?? '',
    persistentVolumeClaim: { claimName: metadata?.name ?? '' },
  }))
  const names = new Set(claims.map(({ name }) => name))
  const others = template.spec.volumes?.filter(({ name }) => !names.has(name)) ?? []
  return { ...template, spec: { ...template.spec, volumes: [...others, ...claims] } }
}

function validateStrategy(strategy: StatefulSetUpdateStrategy, at: string, issues: Issues): void {
  const { type = '', rollingUpdate } = strategy
  switch (type) {
    case '':
      issues.required(at)
      return
    case 'OnDelete':
      if (rollingUpdate !== undefined) {
        issues.invalid(`${at}.rollingUpdate`, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")
      }
      return
    case 'RollingUpdate': {
      const { maxUnavailable } = rollingUpdate ?? {}
      if (maxUnavailable !== undefined) validateMaxUnavailable(maxUnavailable, at, issues)
      return
    }
    default:
      issues.invalid(at, strategy, "must be 'RollingUpdate' or 'OnDelete'")
  }
}

function validateMaxUnavailable(share: number | string, at: string, issues: Issues): void {
  const here = `${at}.rollingUpdate.maxUnavailable`
  validateShare(share, here, issues)
  if (Number.parseInt(String(share), 10) === 0) issues.invalid(here, share, 'cannot be 0')
}

const MUTABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const satisfies readonly (keyof StatefulSetSpec)[]

export function validateStatefulSetUpdate({ spec: next }: StatefulSet, previous: StatefulSet, issues: Issues): void {
  if (sameJson(fixed(next), fixed(previous.spec))) return
  const names = MUTABLE.map((name) => `'${name}'`)
  const listed = `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
  issues.forbidden('spec', `updates to statefulset spec for fields other than ${listed} are forbidden`)
}

/** What stays as it was made. */
function fixed(spec: StatefulSetSpec): object {
  const mutable = new Set<string>(MUTABLE)
  return Object.fromEntries(Object.entries(spec).filter(([key]) => !mutable.has(key)))
}

export function validateStatefulSetStatus(next: StatefulSet, previous: StatefulSet, issues: Issues): void {
  const { replicas, readyReplicas = 0, availableReplicas = 0 } = next.status ?? { replicas: 0 }
  for (const key of ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const) {
    const count = next.status?.[key] ?? 0
    if (count > replicas) issues.invalid(`status.${key}`, count, 'cannot be greater than status.replicas')
  }
  if (availableReplicas > readyReplicas) {
    issues.invalid('status.availableReplicas', availableReplicas, 'cannot be greater than status.readyReplicas')
  }
  validateCollisionCount(next.status, previous.status, issues)
}
