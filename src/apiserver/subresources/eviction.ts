// POST pods/NAME/eviction: a deletion that the pod's disruption budget must allow, and that is counted against it.

import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject, LabelSelector } from '../../apimachinery/metadata.ts'
import type { DeepReadonly, Resource } from '../../apimachinery/resource.ts'
import { selectorOf } from '../../apimachinery/selectors/labels.ts'
import { rfc3339 } from '../../base/clock.ts'
import { type Pod, pods } from '../../api/core/pod/pod.ts'
import { isPodReady, isPodTerminal, isPodTerminating } from '../../api/core/pod/readiness.ts'
import { type Eviction, evictions } from '../../api/policy/eviction.ts'
import { type PodDisruptionBudget, podDisruptionBudgets } from '../../api/policy/pod-disruption-budget.ts'
import type { Identity } from '../../client/door.ts'
import type { StoredObject } from '../cache/stored.ts'
import { decodeObject } from '../registry/body.ts'
import type { RequestContext } from '../registry/context.ts'
import { remove } from '../registry/delete.ts'
import type { DeleteOptions } from '../registry/deletion.ts'
import type { Registry } from '../registry/registry.ts'
import { mustGet, type Served } from '../registry/served.ts'
import { change } from '../registry/update.ts'
import { parseJsonBody } from '../request-body.ts'
import { valueResponse } from '../responses.ts'
import { type Call, formOf, keyOfRequest } from '../rest.ts'
import type { SubresourceHandler } from '../server.ts'

const CREATED = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }
const VIOLATED = "Cannot evict pod as it would violate the pod's disruption budget."
/** How long a client waits that was told so without a better figure. */
const RETRY_SECONDS = 10
/** Evictions that a budget's controller has not seen yet; beyond them it is stuck. */
const MAX_DISRUPTED_PODS = 2000
/** How often a pod that changes meanwhile is looked at again. */
const MAX_ATTEMPTS = 20
/** Budgets are charged by the server itself: whoever may evict need not be allowed to write them. */
const SERVER: Identity = { username: 'system:apiserver', groups: ['system:masters'] }

type Budget = DeepReadonly<PodDisruptionBudget>
type ReadonlyPod = DeepReadonly<Pod>

export function eviction(registry: Registry): SubresourceHandler {
  return async (call) => {
    const { served, context } = call
    if (context.info.verb !== 'create') throw errors.methodNotSupported(served.resource, context.info.verb)
    const options = optionsOf(call)
    if (!(await evictUnguarded(call, options))) await evictGuarded(call, options, registry)
    return valueResponse(CREATED, 201, formOf(call))
  }
}

function optionsOf({ request, context }: Call): DeleteOptions {
  const erased = evictions as unknown as Resource<AnyObject>
  const asked = decodeObject(erased, parseJsonBody(request, evictions), context) as unknown as Eviction
  if (asked.metadata.name !== context.info.name)
    throw errors.badRequest('name in URL does not match name in Eviction object')
  const options = (asked.deleteOptions ?? {}) as DeleteOptions
  errors.checkDryRun(options.dryRun ?? [], context.info.verb)
  if (options.dryRun?.includes('All')) context.dryRun = true
  return options
}

const podOf = (stored: StoredObject): ReadonlyPod => stored.object as unknown as ReadonlyPod

/** A pod that disrupts nobody by its end is deleted whatever its budget says. False: it is guarded. */
async function evictUnguarded(call: Call, options: DeleteOptions): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    const stored = mustGet(call.served, keyOfRequest(call))
    const pod = podOf(stored)
    if (!isUnguarded(pod)) return false
    const over = isPodTerminal(pod) || isPodTerminating(pod)
    try {
      // A pod that is about to run must not have become ready meanwhile.
      await disrupt(call, over ? options : onlyAt(stored, options))
      return true
    } catch (error) {
      const mayRetry = options.preconditions?.resourceVersion === undefined && attempt < MAX_ATTEMPTS
      if (!errors.isConflict(error) || !mayRetry) throw error
    }
  }
}

function isUnguarded(pod: ReadonlyPod): boolean {
  return isPodTerminal(pod) || isPodTerminating(pod) || pod.status?.phase === 'Pending'
}

/** The deletion of the pod as it was seen, unless the client itself said which state it means. */
function onlyAt(stored: StoredObject, options: DeleteOptions): DeleteOptions {
  if (options.preconditions?.resourceVersion !== undefined) return options
  return { ...options, preconditions: { ...options.preconditions, resourceVersion: String(stored.revision) } }
}

async function evictGuarded(call: Call, options: DeleteOptions, registry: Registry): Promise<void> {
  const stored = mustGet(call.served, keyOfRequest(call))
  const pod = podOf(stored)
  const served = registry.get(podDisruptionBudgets.group, podDisruptionBudgets.version, podDisruptionBudgets.plural)
  const found = served === undefined ? [] : budgetsOf(pod, served)
  if (found.length > 1) throw tooManyBudgets()
  const [budget] = found
  if (served === undefined || budget === undefined) return disrupt(call, options)
  if (!isPodReady(pod) && unhealthyMayGo(budget)) {
    // It counts for nothing as it is; becoming ready before it goes is what must not happen.
    return disruptUnhealthy(call, stored, options, budget)
  }
  await charge(call, served, budget)
  return disrupt(call, options)
}

function budgetsOf({ metadata }: ReadonlyPod, { cache }: Served): Budget[] {
  if (Object.keys(metadata.labels ?? {}).length === 0) return []
  const { items } = cache.list({ namespace: metadata.namespace ?? '' }, 0)
  return items
    .map(({ object }) => object as unknown as Budget)
    .filter(({ spec }) => selectorOf(spec.selector as LabelSelector | undefined).matches(metadata.labels ?? {}))
}

function tooManyBudgets(): errors.StatusError {
  return new errors.StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    code: 500,
  })
}

function unhealthyMayGo({ spec, status }: Budget): boolean {
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {}
  return currentHealthy >= desiredHealthy && desiredHealthy > 0
}

async function disruptUnhealthy(
  call: Call,
  stored: StoredObject,
  options: DeleteOptions,
  budget: Budget,
): Promise<void> {
  try {
    await disrupt(call, onlyAt(stored, options))
  } catch (error) {
    if (errors.isConflict(error) && options.preconditions?.resourceVersion === undefined)
      throw inProcess(budget.metadata.name)
    throw error
  }
}

function violated(message: string, retryAfterSeconds: number | undefined): errors.StatusError {
  const details = {
    causes: [{ reason: 'DisruptionBudget', message }],
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  }
  const failed = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' } as const
  return new errors.StatusError({ ...failed, message: VIOLATED, reason: 'TooManyRequests', details, code: 429 })
}

const inProcess = (name: string): errors.StatusError =>
  violated(`The disruption budget ${name} is still being processed by the server.`, RETRY_SECONDS)

/** Takes one disruption from the budget; throws when it allows none. */
async function charge(call: Call, served: Served, { metadata }: Budget): Promise<void> {
  const { core, context } = call
  const { name, namespace = '' } = metadata
  const info = { ...context.info, group: 'policy', resource: served.resource.plural, verb: 'update', name }
  const own: RequestContext = {
    ...context,
    identity: SERVER,
    fieldManager: 'kube-apiserver',
    info: { ...info, subresource: 'status' },
  }
  const next = ({ bytes }: StoredObject): AnyObject => {
    const budget = JSON.parse(bytes.toString()) as PodDisruptionBudget
    charged(budget, context.info.name, core.clock.now())
    delete budget.metadata.resourceVersion
    return budget as unknown as AnyObject
  }
  try {
    await change(core, served, { namespace, name }, { fromPresent: true, next }, own)
  } catch (error) {
    if (!errors.isConflict(error)) throw error
    const text = `couldn't update PodDisruptionBudget ${JSON.stringify(name)} due to conflicts`
    throw errors.timeout(text, RETRY_SECONDS)
  }
}

function charged(budget: PodDisruptionBudget, pod: string, nowMs: number): void {
  const { name, generation = 0 } = budget.metadata
  const status = budget.status
  if (status === undefined || (status.observedGeneration ?? 0) < generation) throw inProcess(name)
  const refuse = (why: string): errors.StatusError => errors.forbidden(BUDGET, name, why)
  if (status.disruptionsAllowed < 0) throw refuse('pdb disruptions allowed is negative')
  const disrupted = status.disruptedPods ?? {}
  if (Object.keys(disrupted).length > MAX_DISRUPTED_PODS)
    throw refuse('DisruptedPods map too big - too many evictions not confirmed by PDB controller')
  if (status.disruptionsAllowed === 0) throw violated(whyNone(budget), undefined)
  status.disruptionsAllowed--
  if (status.disruptionsAllowed === 0) noneLeft(status, nowMs)
  status.disruptedPods = { ...disrupted, [pod]: rfc3339(nowMs) }
}

/** Here upstream names the resource in the singular. */
const BUDGET = {
  ...podDisruptionBudgets,
  plural: 'poddisruptionbudget',
  groupResource: 'poddisruptionbudget.policy',
}

function whyNone({ metadata: { name }, status }: PodDisruptionBudget): string {
  const { desiredHealthy = 0, currentHealthy = 0, conditions = [] } = status ?? {}
  const known = conditions.find(({ type }) => type === 'DisruptionAllowed')
  if (known?.status === 'False' && known.reason === 'SyncFailed') {
    return `The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${known.message ?? ''}`
  }
  return `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`
}

function noneLeft(status: NonNullable<PodDisruptionBudget['status']>, nowMs: number): void {
  const known = status.conditions?.find(({ type }) => type === 'DisruptionAllowed')
  const condition = {
    type: 'DisruptionAllowed',
    status: 'False',
    reason: 'InsufficientPods',
    message: '',
    observedGeneration: status.observedGeneration ?? 0,
    lastTransitionTime:
      known?.status === 'False' && known.lastTransitionTime ? known.lastTransitionTime : rfc3339(nowMs),
  }
  status.conditions = [...(status.conditions ?? []).filter((other) => other !== known), condition]
}

/** Says in the pod why it ends, and ends it. */
async function disrupt(call: Call, options: DeleteOptions): Promise<void> {
  const { core, served, context } = call
  const key = keyOfRequest(call)
  let asked = options
  if (!context.dryRun) {
    const next = (stored: StoredObject): AnyObject => {
      checkPreconditions(stored, options)
      return markedPod(stored, core.clock.now())
    }
    const info = { ...context.info, verb: 'update', subresource: 'status' }
    // The deletion asks the admission plugins; this is a part of it.
    const marked = await change(
      { ...core, admission: [] },
      served,
      key,
      { fromPresent: true, next },
      { ...context, info },
    )
    if (options.preconditions?.resourceVersion !== undefined) asked = movedTo(options, marked)
  }
  await remove(core, served, key, asked, context)
}

function movedTo(options: DeleteOptions, stored: StoredObject): DeleteOptions {
  return { ...options, preconditions: { ...options.preconditions, resourceVersion: String(stored.revision) } }
}

function checkPreconditions({ object, revision }: StoredObject, { preconditions }: DeleteOptions): void {
  const { uid = '', name } = object.metadata
  const record = { ...pods, plural: 'Pod', groupResource: 'Pod' }
  if (preconditions?.uid && preconditions.uid !== uid) {
    const why = `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`
    throw errors.conflict(record, name, why)
  }
  const asked = preconditions?.resourceVersion
  if (asked && asked !== String(revision)) {
    const why = `the ResourceVersion in the precondition (${asked}) does not match the ResourceVersion in record (${revision}). The object might have been modified`
    throw errors.conflict(record, name, why)
  }
}

function markedPod({ bytes }: StoredObject, nowMs: number): AnyObject {
  const pod = JSON.parse(bytes.toString()) as Pod
  const status = (pod.status ??= {})
  const conditions = (status.conditions ??= [])
  const known = conditions.findIndex(({ type }) => type === 'DisruptionTarget')
  const before = conditions[known]
  const condition = {
    ...before,
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
    lastTransitionTime:
      before?.status === 'True' && before.lastTransitionTime ? before.lastTransitionTime : rfc3339(nowMs),
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
  }
  if (before === undefined) conditions.push(condition)
  else conditions[known] = condition
  delete pod.metadata.resourceVersion
  return pod as unknown as AnyObject
}
