// The revisions of a set's template: which of them it is at, a new one when it is at none, and which old ones may go.

import { isDeepStrictEqual } from 'node:util'
import { isAlreadyExists, isNotFound } from '../../apimachinery/errors.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import { cloneJson } from '../../apimachinery/objects.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { type ControllerRevision, controllerRevisions } from '../../api/apps/controller-revision.ts'
import { controllerReference, isControlledBy } from '../../api/core/owners.ts'
import type { PodTemplateSpec } from '../../api/core/pod/template.ts'
import type { ReconcileContext } from '../controller.ts'
import { keyOf } from '../keys.ts'
import { stableHash } from '../stable-hash.ts'

export type ReadonlyRevision = DeepReadonly<ControllerRevision>

export interface Subject {
  /** The set. */
  readonly owner: DeepReadonly<AnyObject>
  readonly template: DeepReadonly<PodTemplateSpec>
  /** Label of revisions that says the hash of their content. */
  readonly hashLabel: string
  readonly collisionCount: number | undefined
}

export interface Current {
  revision: ReadonlyRevision
  collisionCount: number | undefined
}

/** What clients apply to a set to bring it back to this template. */
export function patchOf(template: DeepReadonly<PodTemplateSpec>): object {
  return { spec: { template: { ...(cloneJson(template) as PodTemplateSpec), $patch: 'replace' } } }
}

/** The template of a revision. */
export function templateOf({ data }: ReadonlyRevision): PodTemplateSpec {
  const { template } = (cloneJson(data) as { spec: { template: PodTemplateSpec & { $patch?: string } } }).spec
  const { $patch: _, ...rest } = template
  return rest
}

export const isOf = ({ data }: ReadonlyRevision, template: DeepReadonly<PodTemplateSpec>): boolean =>
  isDeepStrictEqual(cloneJson(data), patchOf(template))

export const byRevision = (a: ReadonlyRevision, b: ReadonlyRevision): number =>
  a.revision - b.revision || (a.metadata.name < b.metadata.name ? -1 : 1)

/** The revision of the set's template: the known one, made the newest again if it is not, or a new one. */
export async function currentRevision(
  context: ReconcileContext,
  subject: Subject,
  known: readonly ReadonlyRevision[],
): Promise<Current> {
  const { owner, template, collisionCount } = subject
  const sorted = [...known].sort(byRevision)
  const equal = sorted.findLast((revision) => isOf(revision, template))
  const newest = sorted.at(-1)
  const next = (newest?.revision ?? 0) + 1
  if (equal === undefined) return createRevision(context, subject, next)
  if (equal === newest) return { revision: equal, collisionCount }
  const { api, writes, signal } = context
  const body = { metadata: { uid: equal.metadata.uid }, revision: next }
  const revision = await api.patch(controllerRevisions, keyOf(equal), { type: 'merge', body }, { signal })
  writes.wrote(keyOf(owner), controllerRevisions, revision)
  return { revision, collisionCount }
}

async function createRevision(
  { api, writes, signal }: ReconcileContext,
  subject: Subject,
  number: number,
): Promise<Current> {
  const { owner, template } = subject
  let { collisionCount } = subject
  for (;;) {
    const wanted = newRevision(subject, number, collisionCount)
    try {
      const revision = await api.create(controllerRevisions, wanted, { signal })
      writes.wrote(keyOf(owner), controllerRevisions, revision)
      return { revision, collisionCount }
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
      const there = await api.get(controllerRevisions, keyOf(wanted), { signal })
      if (isControlledBy(there, owner) && isOf(there, template)) return { revision: there, collisionCount }
      // Other content has this name: the count makes another one.
      collisionCount = (collisionCount ?? 0) + 1
    }
  }
}

function newRevision(
  { owner, template, hashLabel }: Subject,
  revision: number,
  collisionCount: number | undefined,
): ControllerRevision {
  const { name, namespace, annotations } = owner.metadata
  const hash = stableHash(template, collisionCount)
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...template.metadata?.labels, [hashLabel]: hash },
      ...(annotations ? { annotations: { ...annotations } } : {}),
      ownerReferences: [controllerReference(owner)],
    },
    data: patchOf(template),
    revision,
  }
}

/** Pure: the oldest beyond the limit that nothing lives of. */
export function revisionsToForget(
  old: readonly ReadonlyRevision[],
  limit: number,
  isLive: (revision: ReadonlyRevision) => boolean,
): ReadonlyRevision[] {
  const dead = [...old].sort(byRevision).filter((revision) => !isLive(revision))
  return dead.slice(0, Math.max(0, old.length - limit))
}

export async function forgetRevisions(
  { api, signal }: ReconcileContext,
  revisions: readonly ReadonlyRevision[],
): Promise<void> {
  for (const revision of revisions) {
    const { uid = '' } = revision.metadata
    try {
      await api.delete(controllerRevisions, keyOf(revision), { preconditions: { uid }, signal })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
}
