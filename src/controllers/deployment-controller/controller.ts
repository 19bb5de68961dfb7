// Rolls the pods of a Deployment from one template to the next by scaling a ReplicaSet for each.

import { isDeepStrictEqual } from 'node:util'
import { isAlreadyExists, isNotFound } from '../../apimachinery/errors.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import { cloneJson } from '../../apimachinery/objects.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { selectorOf } from '../../apimachinery/selectors/labels.ts'
import { type Deployment, type DeploymentStatus, deployments } from '../../api/apps/deployment.ts'
import { replicaSets } from '../../api/apps/replica-set.ts'
import { controllerOf, isControlledBy } from '../../api/core/owners.ts'
import { pods } from '../../api/core/pod/pod.ts'
import { isPodTerminal } from '../../api/core/pod/readiness.ts'
import { defineController, type ReconcileContext, type ReconcileResult, watches } from '../controller.ts'
import { keyOf } from '../keys.ts'
import { isNamespaceTerminating, messageOf } from '../refusals.ts'
import { claim } from '../replica-set-core/claim.ts'
import {
  annotated,
  DESIRED_REPLICAS,
  isScaling,
  newSetReplicas,
  type ReadonlyDeployment,
  type ReadonlySet,
  replicasOf,
  rollingStep,
  type Scaling,
  scalingStep,
} from './figures.ts'
import {
  findNewSet,
  isSameTemplate,
  newSetFor,
  refreshedAnnotations,
  REVISION,
  revisionOf,
  scaleAnnotations,
  setsToForget,
  templateHash,
} from './revisions.ts'
import {
  conditionOf,
  figures,
  hasDeadline,
  isComplete,
  type NewCondition,
  nextCheckMs,
  rolloutStatus,
  withCondition,
} from './status.ts'

const selector = ({ spec }: ReadonlyDeployment): ReturnType<typeof selectorOf> =>
  selectorOf(spec.selector as Deployment['spec']['selector'])

const LOOK_AGAIN_MS = 5000

export const deploymentController = defineController({
  name: 'deployment-controller',
  for: deployments,
  owns: [replicaSets],
  watches: [
    watches({
      resource: replicaSets,
      toKeys(set, cache) {
        const { namespace, labels } = set.metadata
        if (controllerOf(set) !== undefined || namespace === undefined) return []
        return cache.keysOf(deployments, namespace, (deployment) => selector(deployment).matches(labels))
      },
    }),
    // A Recreate rollout waits for the last old pod to be gone.
    watches({
      resource: pods,
      toKeys(pod, cache) {
        const owner = controllerOf(pod)
        const { namespace } = pod.metadata
        if (owner?.kind !== 'ReplicaSet' || namespace === undefined) return []
        const set = cache.get(replicaSets, { namespace, name: owner.name })
        const deployment = set?.metadata.uid === owner.uid ? set && controllerOf(set) : undefined
        return deployment ? [{ namespace, name: deployment.name }] : []
      },
    }),
  ],
  async reconcile(context, key) {
    const { cache, writes } = context
    const deployment = cache.get(deployments, key)
    if (deployment === undefined) {
      writes.forget(key)
      return undefined
    }
    // A decision on sets as they were before the last one would undo it.
    if (!writes.haveArrived(key)) return { after: LOOK_AGAIN_MS }
    const controller = deployment as unknown as DeepReadonly<AnyObject>
    const sets = await claim(
      context,
      { resource: deployments, controller, selector: selector(deployment) },
      replicaSets,
    )
    return new Round(context, deployment, sets).run()
  },
})

/** One look at one deployment. */
class Round {
  readonly #context: ReconcileContext
  readonly #deployment: ReadonlyDeployment
  readonly #all: readonly ReadonlySet[]
  #newSet: ReadonlySet | undefined
  readonly #old: readonly ReadonlySet[]

  constructor(context: ReconcileContext, deployment: ReadonlyDeployment, sets: readonly ReadonlySet[]) {
    this.#context = context
    this.#deployment = deployment
    this.#all = sets
    this.#newSet = findNewSet(deployment, sets)
    this.#old = sets.filter((set) => set !== this.#newSet)
  }

  async run(): Promise<ReconcileResult> {
    const { spec, metadata } = this.#deployment
    if (metadata.deletionTimestamp !== undefined) return this.#writeStatus(figures(this.#input()))
    if (spec.paused || this.#isResuming()) return this.#sync()
    if (isScaling(this.#deployment, this.#all)) return this.#sync()
    return spec.strategy?.type === 'Recreate' ? this.#recreate() : this.#roll()
  }

  #input(): Parameters<typeof figures>[0] {
    const all = this.#newSet && !this.#all.includes(this.#newSet) ? [...this.#all, this.#newSet] : this.#all
    return { deployment: this.#deployment, newSet: this.#newSet, all, nowMs: this.#context.clock.now() }
  }

  #isResuming(): boolean {
    return conditionOf(this.#deployment.status?.conditions, 'Progressing')?.reason === 'DeploymentPaused'
  }

  /** Paused, resumed or scaled: the numbers are kept right, the rollout stays where it is. */
  async #sync(): Promise<ReconcileResult> {
    const { spec, status } = this.#deployment
    const scalings = scalingStep(this.#deployment, this.#newSet, this.#old)
    for (const scaling of scalings) await this.#scale(scaling)
    if (spec.paused) await this.#forgetOld()
    let conditions = status?.conditions ?? []
    const current = conditionOf(conditions, 'Progressing')
    if (hasDeadline(this.#deployment) && current?.reason !== 'ProgressDeadlineExceeded') {
      const nowMs = this.#context.clock.now()
      const note = (reason: string, message: string): void => {
        conditions = withCondition(conditions, { type: 'Progressing', status: 'Unknown', reason, message }, nowMs)
      }
      if (spec.paused && current?.reason !== 'DeploymentPaused') note('DeploymentPaused', 'Deployment is paused')
      else if (!spec.paused && current?.reason === 'DeploymentPaused')
        note('DeploymentResumed', 'Deployment is resumed')
    }
    return this.#writeStatus(figures({ ...this.#input(), conditions }))
  }

  async #roll(): Promise<ReconcileResult> {
    const newSet = await this.#ensureNewSet()
    if (newSet === undefined) return undefined
    const steps = rollingStep(this.#deployment, newSet, this.#old)
    for (const step of steps) await this.#scale(step)
    return this.#finish()
  }

  async #recreate(): Promise<ReconcileResult> {
    const running = this.#old.filter((set) => replicasOf(set) > 0)
    for (const set of running) await this.#scale({ set, replicas: 0 })
    if (running.length > 0 || this.#hasOldPods()) return this.#finish()
    const newSet = await this.#ensureNewSet()
    if (newSet === undefined) return undefined
    const replicas = replicasOf(this.#deployment)
    if (replicasOf(newSet) !== replicas) await this.#scale({ set: newSet, replicas })
    return this.#finish()
  }

  #hasOldPods(): boolean {
    return this.#old.some(({ metadata }) =>
      this.#context.cache.ownedBy(pods, metadata.uid ?? '').some((pod) => !isPodTerminal(pod)),
    )
  }

  async #finish(): Promise<ReconcileResult> {
    const status = rolloutStatus(this.#input())
    if (isComplete(this.#deployment, status)) await this.#forgetOld()
    return this.#writeStatus(status)
  }

  /** The set of the current template with its revision; undefined: something was written, and its event leads on. */
  async #ensureNewSet(): Promise<ReadonlySet | undefined> {
    const { api, writes, signal } = this.#context
    const revision = Math.max(0, ...this.#old.map(revisionOf)) + 1
    const found = this.#newSet
    if (found === undefined) return this.#createNewSet(revision)
    const annotations = refreshedAnnotations(this.#deployment, found, revision)
    const { minReadySeconds = 0 } = this.#deployment.spec
    if (annotations !== undefined || (found.spec.minReadySeconds ?? 0) !== minReadySeconds) {
      const next = cloneJson(found) as { -readonly [K in keyof ReadonlySet]: ReadonlySet[K] }
      next.metadata = { ...next.metadata, annotations: annotations ?? { ...found.metadata.annotations } }
      next.spec = { ...next.spec, minReadySeconds }
      const updated = await api.update(replicaSets, next, { signal })
      writes.wrote(keyOf(this.#deployment), replicaSets, updated)
      return undefined
    }
    const message = `Found new replica set "${found.metadata.name}"`
    const isUnknown = conditionOf(this.#deployment.status?.conditions, 'Progressing') === undefined
    const note: NewCondition = { type: 'Progressing', status: 'True', reason: 'FoundNewReplicaSet', message }
    if (await this.#noteRevision(revisionOf(found), isUnknown ? note : undefined)) return undefined
    return found
  }

  /** Writes the revision on the deployment, with news of its progress. True: something was written. */
  async #noteRevision(revision: number, note: NewCondition | undefined): Promise<boolean> {
    const { api, clock, writes, signal } = this.#context
    const { metadata, status } = this.#deployment
    const isNoted = revisionOf(this.#deployment) === revision
    const news = note && hasDeadline(this.#deployment) ? note : undefined
    if (isNoted && news === undefined) return false
    const conditions = news
      ? withCondition(status?.conditions ?? [], news, clock.now())
      : (status?.conditions ?? []).map((c) => ({ ...c }))
    const next = {
      ...cloneJson(this.#deployment),
      metadata: { ...metadata, annotations: { ...metadata.annotations, [REVISION]: String(revision) } },
      status: { ...status, conditions },
    }
    const updated = await api.update(deployments, next, { subresource: 'status', signal })
    writes.wrote(keyOf(this.#deployment), deployments, updated)
    return true
  }

  async #createNewSet(revision: number): Promise<undefined> {
    const { api, events, writes, signal } = this.#context
    const { spec, status } = this.#deployment
    const hash = templateHash(spec.template, status?.collisionCount)
    const wanted = newSetFor(this.#deployment, hash, revision)
    wanted.spec.replicas = newSetReplicas(this.#deployment, this.#old, 0)
    let made: ReadonlySet
    try {
      made = await api.create(replicaSets, wanted, { signal })
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined
      if (isAlreadyExists(error)) return this.#collided(wanted.metadata.name, error)
      const message = `Failed to create new replica set "${wanted.metadata.name}": ${messageOf(error)}`
      events.event(this.#deployment, 'Warning', 'ReplicaSetCreateError', message)
      const note: NewCondition = { type: 'Progressing', status: 'False', reason: 'ReplicaSetCreateError', message }
      await this.#noteRevision(revisionOf(this.#deployment), note)
      throw error
    }
    writes.wrote(keyOf(this.#deployment), replicaSets, made)
    const { name } = made.metadata
    const { replicas = 0 } = wanted.spec
    if (replicas > 0)
      events.event(
        this.#deployment,
        'Normal',
        'ScalingReplicaSet',
        `Scaled up replica set ${name} from 0 to ${replicas}`,
      )
    const message = `Created new replica set "${name}"`
    await this.#noteRevision(revision, { type: 'Progressing', status: 'True', reason: 'NewReplicaSetCreated', message })
    return undefined
  }

  /** The name is taken: by our own set that the cache does not show yet, or by another whose hash is the same. */
  async #collided(name: string, error: unknown): Promise<undefined> {
    const { api, writes, signal } = this.#context
    const owner = keyOf(this.#deployment)
    const existing = await api.get(replicaSets, { ...owner, name }, { signal })
    if (isControlledBy(existing, this.#deployment) && isSameTemplate(existing, this.#deployment)) {
      writes.wrote(owner, replicaSets, existing)
      return undefined
    }
    const collisionCount = (this.#deployment.status?.collisionCount ?? 0) + 1
    const next = { ...cloneJson(this.#deployment), status: { ...this.#deployment.status, collisionCount } }
    await api.update(deployments, next, { subresource: 'status', signal })
    throw error
  }

  async #scale({ set, replicas }: Scaling): Promise<void> {
    const { api, events, writes, signal } = this.#context
    const before = replicasOf(set)
    const annotations = { ...set.metadata.annotations, ...scaleAnnotations(this.#deployment) }
    const isRight = before === replicas && annotated(set, DESIRED_REPLICAS) === replicasOf(this.#deployment)
    if (isRight && isDeepStrictEqual({ ...set.metadata.annotations }, annotations)) return
    const next = {
      ...cloneJson(set),
      metadata: { ...set.metadata, annotations },
      spec: { ...set.spec, replicas },
    } as ReadonlySet
    writes.wrote(keyOf(this.#deployment), replicaSets, await api.update(replicaSets, next, { signal }))
    if (before === replicas) return
    const { name } = set.metadata
    const direction = replicas > before ? 'up' : 'down'
    const text = `Scaled ${direction} replica set ${name} from ${before} to ${replicas}`
    events.event(this.#deployment, 'Normal', 'ScalingReplicaSet', text)
  }

  async #forgetOld(): Promise<void> {
    const { api, signal } = this.#context
    for (const set of setsToForget(this.#deployment, this.#old)) {
      try {
        await api.delete(replicaSets, keyOf(set), { signal })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    }
  }

  async #writeStatus(status: DeploymentStatus): Promise<ReconcileResult> {
    const { api, clock, signal } = this.#context
    const after = nextCheckMs(this.#deployment, status, clock.now())
    if (!isDeepStrictEqual(plain(this.#deployment.status), plain(status))) {
      await api.update(deployments, { ...cloneJson(this.#deployment), status }, { subresource: 'status', signal })
    }
    return after === undefined ? undefined : { after }
  }
}

/** Absent and 0 are the same figure; conditions have no order. */
function plain(status: DeepReadonly<DeploymentStatus> | undefined): object {
  const { conditions = [], ...rest } = status ?? {}
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== 0)),
    conditions: [...conditions].sort((a, b) => (a.type < b.type ? -1 : 1)),
  }
}
