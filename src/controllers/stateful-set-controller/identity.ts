// The pods of a stateful set and their claims by name: what makes `web-2` the third pod of `web`, with its own volumes. Pure.

import { cloneJson } from '../../apimachinery/objects.ts'
import type { OwnerReference } from '../../apimachinery/metadata.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { StatefulSet } from '../../api/apps/stateful-set.ts'
import { controllerReference } from '../../api/core/owners.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim/persistent-volume-claim.ts'
import type { Pod } from '../../api/core/pod/pod.ts'
import type { PodTemplateSpec } from '../../api/core/pod/template.ts'

export type ReadonlyStatefulSet = DeepReadonly<StatefulSet>
export type ReadonlyPod = DeepReadonly<Pod>
export type ReadonlyClaim = DeepReadonly<PersistentVolumeClaim>

export const REVISION_LABEL = 'controller-revision-hash'
const POD_NAME_LABEL = 'statefulset.kubernetes.io/pod-name'
const POD_INDEX_LABEL = 'apps.kubernetes.io/pod-index'

export const podName = (set: ReadonlyStatefulSet, ordinal: number): string => `${set.metadata.name}-${ordinal}`

/** undefined: not a pod of this set by its name. */
export function ordinalOf(
  set: ReadonlyStatefulSet,
  { metadata }: DeepReadonly<{ metadata: { name: string } }>,
): number | undefined {
  const [, parent, digits = ''] = /^(.*)-(0|[1-9]\d{0,9})$/.exec(metadata.name) ?? []
  return parent === set.metadata.name ? Number(digits) : undefined
}

export const revisionOf = ({ metadata }: ReadonlyPod): string => metadata.labels?.[REVISION_LABEL] ?? ''

const claimName = (set: ReadonlyStatefulSet, template: string, ordinal: number): string =>
  `${template}-${podName(set, ordinal)}`

export function podFor(set: ReadonlyStatefulSet, template: PodTemplateSpec, ordinal: number, revision: string): Pod {
  const { metadata, spec } = cloneJson(template)
  const name = podName(set, ordinal)
  const { namespace } = set.metadata
  const claims = (set.spec.volumeClaimTemplates ?? []).map((claim) => ({
    name: claim.metadata.name,
    persistentVolumeClaim: { claimName: claimName(set, claim.metadata.name, ordinal) },
  }))
  const own = (spec.volumes ?? []).filter((volume) => !claims.some((claim) => claim.name === volume.name))
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: {
        ...metadata?.labels,
        [POD_NAME_LABEL]: name,
        [POD_INDEX_LABEL]: String(ordinal),
        [REVISION_LABEL]: revision,
      },
      ...(metadata?.annotations ? { annotations: metadata.annotations } : {}),
      ...(metadata?.finalizers ? { finalizers: metadata.finalizers } : {}),
      ownerReferences: [controllerReference(set)],
    },
    spec: {
      ...spec,
      hostname: name,
      ...(set.spec.serviceName ? { subdomain: set.spec.serviceName } : {}),
      ...(claims.length + own.length > 0 ? { volumes: [...own, ...claims] } : {}),
    },
  }
}

export function claimsFor(set: ReadonlyStatefulSet, ordinal: number): PersistentVolumeClaim[] {
  return (set.spec.volumeClaimTemplates ?? []).map((template) => {
    const { metadata, spec } = cloneJson(template) as PersistentVolumeClaim
    const { namespace } = set.metadata
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        ...metadata,
        name: claimName(set, metadata.name, ordinal),
        ...(namespace === undefined ? {} : { namespace }),
        labels: { ...metadata.labels, ...set.spec.selector.matchLabels },
      },
      ...(spec ? { spec } : {}),
    } as PersistentVolumeClaim
  })
}

/** Who takes the pod's claims along: the set, the pod that is too many, or nobody. */
export function claimOwner(
  set: ReadonlyStatefulSet,
  pod: ReadonlyPod | undefined,
  isCondemned: boolean,
): OwnerReference | undefined {
  const { whenDeleted, whenScaled } = set.spec.persistentVolumeClaimRetentionPolicy ?? {}
  if (isCondemned && whenScaled === 'Delete' && pod) return reference(pod)
  return whenDeleted === 'Delete' ? reference(set) : undefined
}

function reference(owner: ReadonlyStatefulSet | ReadonlyPod): OwnerReference {
  const { apiVersion, kind, name, uid } = controllerReference(owner)
  return { apiVersion, kind, name, uid }
}

/** The owners of a claim with the wanted one instead of any that this set gave it; undefined when they are right. */
export function claimOwners(
  set: ReadonlyStatefulSet,
  claim: ReadonlyClaim,
  wanted: OwnerReference | undefined,
): OwnerReference[] | undefined {
  const known = (claim.metadata.ownerReferences ?? []).map((owner) => ({ ...owner }))
  const isOurs = ({ kind, name }: OwnerReference): boolean =>
    (kind === 'StatefulSet' && name === set.metadata.name) ||
    (kind === 'Pod' && ordinalOf(set, { metadata: { name } }) !== undefined)
  const ours = known.filter(isOurs)
  if (ours.length === (wanted ? 1 : 0) && ours[0]?.uid === wanted?.uid) return undefined
  return [...known.filter((owner) => !isOurs(owner)), ...(wanted ? [wanted] : [])]
}
