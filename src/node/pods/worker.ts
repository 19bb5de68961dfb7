// Cares for one pod from its arrival on the node until nothing of it is left: looks, decides, acts, reports; one thing at a time.

import type { Clock, Timer } from '../../base/clock.ts'
import { Backoff } from '../../base/backoff.ts'
import { isNotFound } from '../../apimachinery/errors.ts'
import { isPodTerminal } from '../../api/core/pod/readiness.ts'
import { pods } from '../../api/core/pod/pod.ts'
import { finishPod, type FinishState } from './finish.ts'
import { type NodePod, uidOf } from './model.ts'
import { type Failure, lookAtPod, type RunState, type WorkerParts } from './run.ts'

export interface PodRef {
  readonly uid: string
  readonly name: string
  readonly namespace: string
}

const RETRY = { minMs: 1000, maxMs: 10_000 }

export class PodWorker {
  readonly ref: PodRef
  readonly #parts: WorkerParts
  readonly #clock: Clock
  /** Undefined: only the runtime knows of it. */
  #pod: NodePod | undefined
  /** The API has no such pod (any more). */
  #removed: boolean
  #dirty = true
  #gone = false
  #wakeUp: () => void = () => {}
  #timer: Timer | undefined
  #waits = false
  readonly #whenIdle: (() => void)[] = []
  readonly #stop: AbortSignal
  /** Aborted when what is being done must give way: the pod is to end, or to end sooner. */
  #cut = new AbortController()
  readonly #run: RunState = {
    waiting: new Map(),
    messages: new Map(),
    failure: undefined,
    over: false,
    adopted: false,
    cgroup: '',
  }
  readonly #finish: FinishState = { preStopDone: false, stopped: false }
  readonly #backoff = new Backoff(RETRY)
  readonly done: Promise<void>

  /** With a failure it is ended, or never begun. */
  constructor(parts: WorkerParts, ref: PodRef, pod: NodePod | undefined, stop: AbortSignal, failure?: Failure) {
    this.ref = ref
    if (failure !== undefined) this.#takeFailure(failure)
    this.#parts = parts
    this.#clock = parts.context.clock
    this.#pod = pod
    this.#removed = pod === undefined
    this.#stop = stop
    stop.addEventListener('abort', () => this.#interrupt(), { once: true })
    this.done = this.#loop()
  }

  get pod(): NodePod | undefined {
    return this.#pod
  }

  /** Over for good: it takes no resources any more. */
  get finished(): boolean {
    return this.#finish.stopped
  }

  /** It takes part of what the node has, or will. */
  get counts(): boolean {
    const pod = this.#pod
    return pod !== undefined && !this.finished && !isPodTerminal(pod) && this.#run.failure?.rejected !== true
  }

  /** Ends it for the node's reasons; false when it is ending already. */
  fail(failure: Failure): boolean {
    if (this.#run.over || this.#removed || this.#pod?.metadata.deletionTimestamp !== undefined) return false
    this.#takeFailure(failure)
    this.#interrupt()
    this.wake()
    return true
  }

  #takeFailure(failure: Failure): void {
    this.#run.failure = failure
    this.#run.over = true
  }

  update(pod: NodePod): void {
    const before = this.#pod
    this.#pod = pod
    this.#removed = false
    if (before !== undefined && sameWork(before, pod)) return
    const sooner = graceOf(pod) < graceOf(before)
    const ends = pod.metadata.deletionTimestamp !== undefined && before?.metadata.deletionTimestamp === undefined
    if (sooner || ends) this.#interrupt()
    this.wake()
  }

  /** The object is gone from the API. */
  remove(last?: NodePod): void {
    if (last !== undefined) this.#pod = last
    if (!this.#removed) this.#interrupt()
    this.#removed = true
    this.wake()
  }

  /** Resolves when there is nothing to do before something happens. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#gone || (this.#waits && !this.#dirty)) resolve()
      else this.#whenIdle.push(resolve)
    })
  }

  wake(): void {
    this.#dirty = true
    this.#wakeUp()
  }

  #interrupt(): void {
    this.#cut.abort(new Error('the pod changed'))
    this.#cut = new AbortController()
    if (this.#stop.aborted) this.wake()
  }

  async #loop(): Promise<void> {
    const { log } = this.#parts.context
    while (!this.#gone) {
      if (!this.#dirty) for (const resolve of this.#whenIdle.splice(0)) resolve()
      if (!this.#dirty && !this.#stop.aborted)
        await new Promise<void>((resolve) => {
          this.#waits = true
          this.#wakeUp = resolve
        })
      this.#waits = false
      if (this.#stop.aborted) break
      this.#dirty = false
      this.#timer?.cancel()
      const { signal } = this.#cut
      try {
        const nextMs = await this.#look(AbortSignal.any([signal, this.#stop]))
        this.#backoff.reset('')
        if (nextMs !== undefined && nextMs <= 0) this.#dirty = true
        else if (nextMs !== undefined) this.#arm(nextMs)
      } catch (error) {
        if (signal.aborted || this.#stop.aborted) {
          this.#dirty = true
          continue
        }
        log.debug('Failed to care for a pod', { pod: `${this.ref.namespace}/${this.ref.name}`, error })
        this.#arm(this.#backoff.next(''))
      }
    }
    this.#timer?.cancel()
    for (const resolve of this.#whenIdle.splice(0)) resolve()
  }

  #arm(ms: number): void {
    this.#timer?.cancel()
    this.#timer = this.#clock.after(ms, () => this.wake())
  }

  async #look(signal: AbortSignal): Promise<number | undefined> {
    const pod = this.#pod
    if (pod !== undefined && isPodTerminal(pod)) this.#run.over = true
    const ends = this.#removed || pod === undefined || pod.metadata.deletionTimestamp !== undefined
    if (!ends && !this.#run.over) {
      const next = await lookAtPod(this.#parts, pod, this.#run, signal)
      if (!this.#run.over) return next
    }
    await finishPod(this.#parts, {
      ref: this.ref,
      pod,
      removed: this.#removed,
      run: this.#run,
      finish: this.#finish,
      signal,
    })
    if (!ends) return undefined
    if (!this.#removed) await this.#deleteObject(signal)
    await this.#parts.cleanUp(this.ref)
    this.#gone = true
    return undefined
  }

  /** Nothing of it runs any more: the API may forget it. */
  async #deleteObject(signal: AbortSignal): Promise<void> {
    const { name, namespace, uid } = this.ref
    try {
      const options = { gracePeriodSeconds: 0, preconditions: { uid }, signal }
      await this.#parts.context.client.delete(pods, { namespace, name }, options)
    } catch (error) {
      if (!isNotFound(error) && !isOther(error)) throw error
    }
  }
}

/** Another pod has the name by now. */
const isOther = (error: unknown): boolean => error instanceof Error && /precondition/i.test(error.message)

function graceOf(pod: NodePod | undefined): number {
  if (pod?.metadata.deletionTimestamp === undefined) return Number.POSITIVE_INFINITY
  return pod.metadata.deletionGracePeriodSeconds ?? Number.POSITIVE_INFINITY
}

/** Most changes of a pod are the agent's own reports: they mean no work. */
function sameWork(a: NodePod, b: NodePod): boolean {
  if (uidOf(a) !== uidOf(b) || graceOf(a) !== graceOf(b)) return false
  if (isPodTerminal(a) !== isPodTerminal(b)) return false
  const facts = ({ metadata: { labels, annotations, generation, deletionTimestamp }, spec, status }: NodePod): string =>
    JSON.stringify([
      labels,
      annotations,
      generation,
      deletionTimestamp,
      spec,
      spec.readinessGates?.map(
        ({ conditionType }) => status?.conditions?.find(({ type }) => type === conditionType)?.status,
      ),
    ])
  return facts(a) === facts(b)
}
