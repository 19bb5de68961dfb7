// POST: a new object, from its decoded body to the commit.

import { rfc3339 } from '../../base/clock.ts'
import { nameSuffix } from '../../base/random.ts'
import { applyDefaults } from '../../apimachinery/defaults.ts'
import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import { cloneJson } from '../../apimachinery/objects.ts'
import { trackUpdate } from '../../apimachinery/apply/managed-fields.ts'
import { admit } from '../admission/admission.ts'
import { handOver, StoredObject } from '../cache/stored.ts'
import type { RequestContext } from './context.ts'
import { actorOf } from './context.ts'
import { type Core, hookOf, keyOf, type Served, type WriteOutcome } from './served.ts'
import { storedBytes } from './size.ts'
import { checkNew } from './validation.ts'

export interface CreateOptions {
  /** The fields' ownership is in the object already (server-side apply). */
  tracksFields?: boolean
}

/** Generated names are tried this often before the client hears of a clash (upstream: 8). */
const NAME_ATTEMPTS = 8
/** Upstream cuts the base of a generated name so that the whole has at most 63 characters. */
const MAX_GENERATED_BASE = 58

export async function create(
  core: Core,
  served: Served,
  object: AnyObject,
  context: RequestContext,
  options: CreateOptions = {},
): Promise<StoredObject> {
  const { resource } = served
  const { metadata } = object
  if (metadata.resourceVersion) throw errors.badRequest('resourceVersion should not be set on objects to be created')
  placeInNamespace(served, object, context)
  const generate = metadata.name === '' || metadata.name === undefined ? metadata.generateName : undefined
  applyDefaults(resource.struct, object)
  resource.defaults?.(object)
  for (let attempt = 1; ; attempt++) {
    const candidate = generate ? cloneJson(object) : object
    if (generate) candidate.metadata.name = generate.slice(0, MAX_GENERATED_BASE) + nameSuffix(core.random)
    // After the name is known: what a kind prepares may carry it (a job's labels).
    stamp(core, served, candidate)
    const created = await commit(core, served, candidate, context, options)
    if (created) return created
    if (!generate) throw errors.alreadyExists(resource, candidate.metadata.name)
    if (attempt === NAME_ATTEMPTS) throw errors.generateNameConflict(resource, candidate.metadata.name)
  }
}

/** undefined: the name is taken. */
async function commit(
  core: Core,
  served: Served,
  object: AnyObject,
  context: RequestContext,
  options: CreateOptions,
): Promise<StoredObject | undefined> {
  const { resource } = served
  const { name, namespace = '' } = object.metadata
  const attributes = { operation: 'CREATE' as const, resource, subresource: '', namespace, name, object, context }
  await admit(core.admission, attributes, () => {
    applyDefaults(resource.struct, object)
    resource.defaults?.(object)
    checkNew(served, object, context)
  })
  const key = keyOf(served, { namespace, name })
  if (served.cache.get(key)) return undefined
  const hook = hookOf(core, served)
  const settle = hook && (await hook.reserve({ next: object, previous: undefined, dryRun: context.dryRun }))
  let outcome: WriteOutcome = 'failed'
  try {
    if (!options.tracksFields)
      trackUpdate({
        struct: resource.struct,
        live: undefined,
        next: object,
        manager: context.fieldManager,
        apiVersion: served.shown.apiVersion,
        subresource: '',
        nowMs: core.clock.now(),
      })
    const value = storedBytes(resource, object)
    if (context.dryRun) return StoredObject.fromStore(key, 0, value)
    const ttl = resource.ttlSeconds === undefined ? {} : { ttlSeconds: resource.ttlSeconds }
    handOver(value, object)
    outcome = 'unknown'
    const result = await core.store.write({ key, value, expected: 0, actor: actorOf(context), ...ttl })
    outcome = result.ok ? 'committed' : 'failed'
    if (!result.ok) return undefined
    await core.cacher.reached(result.revision)
    const stored = served.cache.get(key)
    // Somebody may have changed or deleted it since: the answer is still what this request made.
    return stored?.revision === result.revision ? stored : StoredObject.fromStore(key, result.revision, value)
  } finally {
    if (settle) await settle(outcome)
  }
}

/** The namespace of the path is the object's; a body that says another is refused (upstream EnsureObjectNamespaceMatchesRequestNamespace). */
export function placeInNamespace(served: Served, object: AnyObject, context: RequestContext): void {
  const { metadata } = object
  if (served.resource.scope === 'Cluster') {
    if (metadata.namespace) throw errors.badRequest('namespace must not be set for cluster-scoped resources')
    delete metadata.namespace
    return
  }
  const { namespace } = context.info
  if (metadata.namespace && metadata.namespace !== namespace) {
    throw errors.badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
  metadata.namespace = namespace
}

function stamp(core: Core, served: Served, object: AnyObject): void {
  const { metadata } = object
  metadata.uid = core.random.uuid()
  metadata.creationTimestamp = rfc3339(core.clock.now())
  delete metadata.deletionTimestamp
  delete metadata.deletionGracePeriodSeconds
  delete metadata.selfLink
  delete metadata.resourceVersion
  if (countsGenerations(served)) metadata.generation = 1
  else delete metadata.generation
  if (served.resource.subresources?.status) delete object.status
  served.resource.prepareCreate?.(object)
}

export function countsGenerations({ resource }: Served): boolean {
  return resource.generation ?? ('spec' in resource.struct.fields && resource.subresources?.status === true)
}
