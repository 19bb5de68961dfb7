// Which of a deployment's sets follows its template now, which came before, and what a new one looks like. Pure.

import { isDeepStrictEqual } from 'node:util'
import { cloneJson } from '../../apimachinery/objects.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import { controllerReference } from '../../api/core/owners.ts'
import type { PodTemplateSpec } from '../../api/core/pod/template.ts'
import { stableHash } from '../stable-hash.ts'
import {
  byCreation,
  DESIRED_REPLICAS,
  limits,
  MAX_REPLICAS,
  type ReadonlyDeployment,
  type ReadonlySet,
  replicasOf,
} from './figures.ts'

export const HASH_LABEL = 'pod-template-hash'
export const REVISION = 'deployment.kubernetes.io/revision'
export const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history'
/** These say something of one object alone and do not go from the deployment to its sets. */
const OWN_ANNOTATIONS = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  'deprecated.deployment.rollback.to',
])
const MAX_HISTORY_LENGTH = 2000

export const revisionOf = (object: {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }
}): number => Number(object.metadata.annotations?.[REVISION] ?? 0) || 0

/** The set made from the deployment's template; of several, the oldest. */
export function findNewSet(deployment: ReadonlyDeployment, sets: readonly ReadonlySet[]): ReadonlySet | undefined {
  const wanted = comparable(deployment.spec.template)
  return [...sets].sort(byCreation).find(({ spec }) => isDeepStrictEqual(comparable(spec.template), wanted))
}

export function isSameTemplate(a: ReadonlySet, deployment: ReadonlyDeployment): boolean {
  return isDeepStrictEqual(comparable(a.spec.template), comparable(deployment.spec.template))
}

/** The template without what only the set's copy has. */
function comparable(template: DeepReadonly<PodTemplateSpec> | undefined): unknown {
  const copy = JSON.parse(JSON.stringify(template ?? {})) as PodTemplateSpec
  const labels: Record<string, string> = { ...copy.metadata?.labels }
  delete labels[HASH_LABEL]
  return { ...copy, metadata: { ...copy.metadata, labels } }
}

export function templateHash(template: DeepReadonly<PodTemplateSpec>, collisionCount: number | undefined): string {
  return stableHash(comparable(template), collisionCount)
}

export function newSetFor(deployment: ReadonlyDeployment, hash: string, revision: number): ReplicaSet {
  const { metadata, spec } = deployment
  const template = cloneJson(spec.template) as PodTemplateSpec
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash }
  const selector = cloneJson(spec.selector) as ReplicaSet['spec']['selector']
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${metadata.name}-${hash}`,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      labels,
      annotations: { ...inherited(deployment), ...scaleAnnotations(deployment), [REVISION]: String(revision) },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas: 0,
      ...(spec.minReadySeconds === undefined ? {} : { minReadySeconds: spec.minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  }
}

/** The annotations that a set which is (again) the newest should have; undefined when it has them. */
export function refreshedAnnotations(
  deployment: ReadonlyDeployment,
  set: ReadonlySet,
  revision: number,
): Record<string, string> | undefined {
  const current = { ...set.metadata.annotations }
  const next: Record<string, string> = { ...current, ...inherited(deployment) }
  const old = revisionOf(set)
  if (old < revision) {
    next[REVISION] = String(revision)
    if (old > 0) {
      const history = [...(next[REVISION_HISTORY]?.split(',') ?? []), String(old)]
      while (history.join(',').length > MAX_HISTORY_LENGTH) history.shift()
      next[REVISION_HISTORY] = history.join(',')
    }
  }
  for (const [name, value] of Object.entries(scaleAnnotations(deployment))) next[name] ??= value
  return isDeepStrictEqual(next, current) ? undefined : next
}

export function scaleAnnotations(deployment: ReadonlyDeployment): Record<string, string> {
  const replicas = replicasOf(deployment)
  return { [DESIRED_REPLICAS]: String(replicas), [MAX_REPLICAS]: String(replicas + limits(deployment).maxSurge) }
}

function inherited({ metadata }: ReadonlyDeployment): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([name]) => !OWN_ANNOTATIONS.has(name)))
}

/** Old sets beyond the history limit that nothing runs of, oldest revision first. */
export function setsToForget({ spec }: ReadonlyDeployment, old: readonly ReadonlySet[]): ReadonlySet[] {
  const limit = spec.revisionHistoryLimit ?? 10
  const alive = old.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const surplus = alive.length - limit
  if (surplus <= 0) return []
  return [...alive]
    .sort((a, b) => revisionOf(a) - revisionOf(b))
    .slice(0, surplus)
    .filter(
      (set) =>
        (set.status?.replicas ?? 0) === 0 &&
        replicasOf(set) === 0 &&
        (set.metadata.generation ?? 0) <= (set.status?.observedGeneration ?? 0),
    )
}
