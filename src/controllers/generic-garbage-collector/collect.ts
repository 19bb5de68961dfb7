// What becomes of an object because of its owners: nothing, freed of owners that are gone, or deleted.

import { isConflict, isNotFound } from '../../apimachinery/errors.ts'
import type { AnyObject, OwnerReference } from '../../apimachinery/metadata.ts'
import type { DeepReadonly, Resource } from '../../apimachinery/resource.ts'
import type { Client } from '../../client/client.ts'
import type { EventRecorder } from '../../client/events.ts'
import { type Graph, type GraphNode, isOwner } from './graph.ts'

export interface Collector {
  api: Client
  graph: Graph
  events: EventRecorder
  /** The resource of a kind; undefined when nobody serves it. */
  resourceFor(apiVersion: string, kind: string): Resource<AnyObject> | undefined
  signal: AbortSignal
}

type Owner = DeepReadonly<OwnerReference>

interface Judged {
  solid: Owner[]
  dangling: Owner[]
  /** There, but waiting for its dependents to go first. */
  waiting: Owner[]
}

const keyOfNode = ({ namespace, name }: GraphNode): { namespace?: string; name: string } =>
  namespace === undefined ? { name } : { namespace, name }

export async function collect(collector: Collector, node: GraphNode): Promise<void> {
  const { api, signal } = collector
  const { resource } = node
  if (resource === undefined || !node.isReal) return
  if (node.isOrphaning) {
    await orphanDependents(collector, node)
    return
  }
  if (node.isDeleting && !node.isDeletingDependents) return
  const live = await liveObject(collector, resource, node)
  if (live === undefined) return
  if (node.isDeletingDependents) {
    await finishForeground(collector, node, live)
    return
  }
  const owners = live.metadata.ownerReferences ?? []
  if (owners.length === 0) return
  // Upstream never acts on such an object: the reference is invalid and says nothing about the owner's being there.
  if (node.namespace === undefined && owners.some((owner) => isNamespaced(collector, owner))) {
    for (const owner of owners) if (isNamespaced(collector, owner)) tellInvalid(collector, node, owner)
    return
  }
  const { solid, dangling, waiting } = await judge(collector, node, owners)
  const preconditions = { uid: node.uid }
  if (solid.length > 0) {
    if (dangling.length + waiting.length === 0) return
    const gone = new Set([...dangling, ...waiting].map(({ uid }) => uid))
    await dropOwners(collector, node, live, gone)
  } else if (waiting.length > 0 && isOwner(node)) {
    // What this one owns has to go before it, or an owner that waits above would think all is gone.
    await api.delete(resource, keyOfNode(node), { propagationPolicy: 'Foreground', preconditions, signal })
  } else {
    const { finalizers = [] } = live.metadata
    const propagationPolicy = finalizers.includes('orphan')
      ? 'Orphan'
      : finalizers.includes('foregroundDeletion')
        ? 'Foreground'
        : 'Background'
    await api.delete(resource, keyOfNode(node), {
      propagationPolicy,
      preconditions: { ...preconditions, resourceVersion: live.metadata.resourceVersion ?? '' },
      signal,
    })
  }
}

async function liveObject(
  { api, signal }: Collector,
  resource: Resource<AnyObject>,
  node: GraphNode,
): Promise<DeepReadonly<AnyObject> | undefined> {
  try {
    const live = await api.get(resource, keyOfNode(node), { signal })
    return live.metadata.uid === node.uid ? live : undefined
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

async function judge(collector: Collector, node: GraphNode, owners: readonly Owner[]): Promise<Judged> {
  const judged: Judged = { solid: [], dangling: [], waiting: [] }
  for (const owner of owners) {
    const known = collector.graph.get(owner.uid)
    const isThere = known?.isReal === true ? isReachable(node, known) : await exists(collector, node, owner)
    if (known?.isReal === true && !isThere) tellInvalid(collector, node, owner)
    if (!isThere) judged.dangling.push(owner)
    else if (known?.isDeletingDependents === true && owner.blockOwnerDeletion === true) judged.waiting.push(owner)
    else if (known?.isDeletingDependents === true) judged.waiting.push(owner)
    else judged.solid.push(owner)
  }
  return judged
}

/** An object in a namespace owns only in that namespace. */
const isReachable = (node: GraphNode, owner: GraphNode): boolean =>
  owner.namespace === undefined || owner.namespace === node.namespace

/** Asked of the server: only it knows that something is not there. */
async function exists(collector: Collector, node: GraphNode, owner: Owner): Promise<boolean> {
  const { api, signal } = collector
  const resource = collector.resourceFor(owner.apiVersion, owner.kind)
  // A kind that nobody serves may be served again; its dependents stay.
  if (resource === undefined) return true
  const key =
    resource.scope === 'Namespaced' && node.namespace !== undefined
      ? { namespace: node.namespace, name: owner.name }
      : { name: owner.name }
  try {
    return (await api.get(resource, key, { signal })).metadata.uid === owner.uid
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

const isNamespaced = ({ resourceFor }: Collector, { apiVersion, kind }: Owner): boolean =>
  resourceFor(apiVersion, kind)?.scope === 'Namespaced'

function tellInvalid({ events }: Collector, node: GraphNode, owner: Owner): void {
  const { namespace = '' } = node
  const text = `ownerRef [${owner.apiVersion}/${owner.kind}, namespace: ${namespace}, name: ${owner.name}, uid: ${owner.uid}] does not exist in namespace ${JSON.stringify(namespace)}`
  events.event({ ...referenceOf(node) }, 'Warning', 'OwnerRefInvalidNamespace', text)
}

function referenceOf({ apiVersion, kind, name, namespace, uid }: GraphNode): {
  apiVersion: string
  kind: string
  name: string
  namespace?: string
  uid: string
} {
  return { apiVersion, kind, name, uid, ...(namespace === undefined ? {} : { namespace }) }
}

async function dropOwners(
  { api, signal }: Collector,
  node: GraphNode,
  live: DeepReadonly<AnyObject>,
  gone: ReadonlySet<string>,
): Promise<void> {
  if (node.resource === undefined) return
  const ownerReferences = (live.metadata.ownerReferences ?? []).filter(({ uid }) => !gone.has(uid))
  const { resourceVersion, uid } = live.metadata
  const body = { metadata: { uid, resourceVersion, ownerReferences } }
  await api.patch(node.resource, keyOfNode(node), { type: 'merge', body }, { signal })
}

/** The owner goes once nothing that blocks it is left. */
async function finishForeground(collector: Collector, node: GraphNode, live: DeepReadonly<AnyObject>): Promise<void> {
  const blocking = [...(node.dependents ?? [])].filter((dependent) =>
    dependent.owners.some(({ uid, blockOwnerDeletion }) => uid === node.uid && blockOwnerDeletion === true),
  )
  if (blocking.length > 0) return
  await dropFinalizer(collector, node, live, 'foregroundDeletion')
}

async function orphanDependents(collector: Collector, node: GraphNode): Promise<void> {
  const { api, signal } = collector
  for (const dependent of node.dependents ?? []) {
    if (dependent.resource === undefined) continue
    const live = await liveObject(collector, dependent.resource, dependent)
    if (!live?.metadata.ownerReferences?.some(({ uid }) => uid === node.uid)) continue
    const ownerReferences = live.metadata.ownerReferences.filter(({ uid }) => uid !== node.uid)
    const { uid, resourceVersion } = live.metadata
    const body = { metadata: { uid, resourceVersion, ownerReferences } }
    try {
      await api.patch(dependent.resource, keyOfNode(dependent), { type: 'merge', body }, { signal })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
  if (node.resource === undefined) return
  const live = await liveObject(collector, node.resource, node)
  if (live) await dropFinalizer(collector, node, live, 'orphan')
}

async function dropFinalizer(
  { api, signal }: Collector,
  node: GraphNode,
  live: DeepReadonly<AnyObject>,
  finalizer: string,
): Promise<void> {
  const { finalizers = [], resourceVersion, uid } = live.metadata
  if (node.resource === undefined || !finalizers.includes(finalizer)) return
  const body = { metadata: { uid, resourceVersion, finalizers: finalizers.filter((f) => f !== finalizer) } }
  try {
    await api.patch(node.resource, keyOfNode(node), { type: 'merge', body }, { signal })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

/** The object changed or went between look and act: looking again decides. */
export const isPassing = (error: unknown): boolean => isConflict(error) || isNotFound(error)
