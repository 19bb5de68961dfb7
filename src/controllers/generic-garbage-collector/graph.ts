// Who owns whom: every object that owns or is owned, whatever its kind. Only in memory, and changed piece by piece.

import type { OwnerReference } from '../../apimachinery/metadata.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { DeepReadonly, Resource } from '../../apimachinery/resource.ts'

export interface GraphNode {
  readonly uid: string
  apiVersion: string
  kind: string
  name: string
  namespace: string | undefined
  /** Seen by an informer; a virtual node is only known by what others say of it. */
  isReal: boolean
  resource: Resource<AnyObject> | undefined
  owners: readonly DeepReadonly<OwnerReference>[]
  /** What it owns; absent as long as that is nothing, as with most objects. */
  dependents: Set<GraphNode> | undefined
  isDeleting: boolean
  /** In the deletion of its dependents (finalizer `foregroundDeletion`). */
  isDeletingDependents: boolean
  isOrphaning: boolean
}

export class Graph {
  readonly #nodes = new Map<string, GraphNode>()

  get size(): number {
    return this.#nodes.size
  }

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid)
  }

  /** What an informer saw. Returns the nodes that must be looked at. */
  observe(resource: Resource<AnyObject>, { metadata }: DeepReadonly<AnyObject>): readonly GraphNode[] {
    const { uid, name, namespace, ownerReferences = NO_OWNERS, finalizers = [], deletionTimestamp } = metadata
    if (uid === undefined) return NOTHING
    const { apiVersion, kind } = resource
    const node = this.#nodes.get(uid) ?? this.#add(uid, { apiVersion, kind, name, namespace })
    const before = { isReal: node.isReal, owners: node.owners }
    const wasDeletingDependents = node.isDeletingDependents
    node.apiVersion = apiVersion
    node.kind = kind
    node.name = name
    node.namespace = namespace
    node.resource = resource
    node.isReal = true
    // Most objects have no owner, and most news of them are none here.
    if (deletionTimestamp === undefined && ownerReferences.length === 0 && node.owners.length === 0) {
      node.isDeleting = node.isDeletingDependents = node.isOrphaning = false
      return NOTHING
    }
    node.isDeleting = deletionTimestamp !== undefined
    node.isDeletingDependents = node.isDeleting && finalizers.includes('foregroundDeletion')
    node.isOrphaning = node.isDeleting && finalizers.includes('orphan')
    this.#setOwners(node, ownerReferences)
    const look = new Set<GraphNode>()
    const added = node.owners.filter(({ uid: owner }) => !before.owners.some((o) => o.uid === owner))
    const removed = before.owners.filter(({ uid: owner }) => !node.owners.some((o) => o.uid === owner))
    const changed = !before.isReal || added.length > 0 || removed.length > 0
    // Whether the owners are there (or wait for this one) is decided when it is looked at.
    if (changed && node.owners.length > 0) look.add(node)
    if (node.isDeleting && node.owners.length > 0) look.add(node)
    if (node.isDeletingDependents || node.isOrphaning) look.add(node)
    if (node.isDeletingDependents && !wasDeletingDependents)
      for (const dependent of node.dependents ?? []) look.add(dependent)
    for (const { uid: owner } of removed) this.#lookAtWaiting(owner, look)
    for (const { uid: owner } of node.owners) if (node.isDeleting) this.#lookAtWaiting(owner, look)
    return [...look]
  }

  /** The object is gone. Returns the nodes that must be looked at: what it owned, and owners that waited for it. */
  remove(uid: string): GraphNode[] {
    const node = this.#nodes.get(uid)
    if (node === undefined) return []
    const look = new Set<GraphNode>(node.dependents)
    for (const { uid: owner } of node.owners) this.#lookAtWaiting(owner, look)
    const owners = node.owners
    this.#setOwners(node, [])
    node.isReal = false
    if (!isOwner(node)) this.#nodes.delete(uid)
    for (const { uid: owner } of owners) this.#dropIfUnused(owner)
    look.delete(node)
    return [...look]
  }

  /** The nodes of a kind that an informer has seen. */
  seenOf(groupResource: string): GraphNode[] {
    return [...this.#nodes.values()].filter(
      ({ isReal, resource }) => isReal && resource?.groupResource === groupResource,
    )
  }

  /** Nobody watches the kind any more: what becomes of its objects is not known. Returns the owners that waited for one of them. */
  forget(groupResource: string): GraphNode[] {
    const look = new Set<GraphNode>()
    for (const node of this.seenOf(groupResource)) {
      const { dependents } = node
      for (const waiting of this.remove(node.uid)) if (!dependents?.has(waiting)) look.add(waiting)
    }
    return [...look]
  }

  /** The dependents of owners of a kind that no informer has seen: whether those are there can be asked anew. */
  dependentsOfUnseen(group: string, kind: string): GraphNode[] {
    const look: GraphNode[] = []
    for (const node of this.#nodes.values())
      if (!node.isReal && node.kind === kind && groupOf(node.apiVersion) === group)
        look.push(...(node.dependents ?? []))
    return look
  }

  #lookAtWaiting(uid: string, look: Set<GraphNode>): void {
    const owner = this.#nodes.get(uid)
    if (owner?.isDeletingDependents) look.add(owner)
  }

  #setOwners(node: GraphNode, owners: readonly DeepReadonly<OwnerReference>[]): void {
    const previous = node.owners
    node.owners = owners
    for (const { uid } of previous) {
      if (owners.some((o) => o.uid === uid)) continue
      this.#nodes.get(uid)?.dependents?.delete(node)
      this.#dropIfUnused(uid)
    }
    for (const { uid, apiVersion, kind, name } of owners) {
      const owner = this.#nodes.get(uid) ?? this.#add(uid, { apiVersion, kind, name, namespace: node.namespace })
      owner.dependents ??= new Set()
      owner.dependents.add(node)
    }
  }

  #dropIfUnused(uid: string): void {
    const node = this.#nodes.get(uid)
    if (node && !node.isReal && !isOwner(node)) this.#nodes.delete(uid)
  }

  #add(uid: string, facts: Pick<GraphNode, 'apiVersion' | 'kind' | 'name' | 'namespace'>): GraphNode {
    const node: GraphNode = {
      uid,
      ...facts,
      isReal: false,
      resource: undefined,
      owners: NO_OWNERS,
      dependents: undefined,
      isDeleting: false,
      isDeletingDependents: false,
      isOrphaning: false,
    }
    this.#nodes.set(uid, node)
    return node
  }
}

const NO_OWNERS: readonly DeepReadonly<OwnerReference>[] = []
const NOTHING: readonly GraphNode[] = []

/** What other objects say is owned by it. */
export function isOwner({ dependents }: GraphNode): boolean {
  return dependents !== undefined && dependents.size > 0
}

const groupOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
