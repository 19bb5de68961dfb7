// Runs the probes of the containers that run on this node, each in its own rhythm, and remembers what they last said.

import type { Clock, Timer } from '../../base/clock.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Random } from '../../base/random.ts'
import type { Probe } from '../../api/core/pod/probe.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { ProbeVerdict, ProbeVerdicts } from '../pods/decide.ts'
import {
  allContainers,
  containerReference,
  latest,
  type NodeContainer,
  type NodePod,
  type PodView,
  uidOf,
} from '../pods/model.ts'
import type { Prober } from './prober.ts'

type Sort = 'startup' | 'liveness' | 'readiness'
const FIELDS = { startup: 'startupProbe', liveness: 'livenessProbe', readiness: 'readinessProbe' } as const
const NAMES = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' } as const

export interface ProbeKeeperOptions {
  readonly prober: Prober
  readonly clock: Clock
  readonly random: Random
  readonly events: EventRecorder
  /** A verdict changed: the pod is to be looked at. */
  readonly onChange: (podUid: string) => void
}

export class ProbeKeeper implements ProbeVerdicts, Disposable {
  readonly #options: ProbeKeeperOptions
  /** By container id and sort. */
  readonly #runs = new Map<string, ProbeRun>()
  /** The probes of each pod. */
  readonly #ofPod = new Map<string, Set<string>>()

  constructor(options: ProbeKeeperOptions) {
    this.#options = options
  }

  liveness = (containerId: string): ProbeVerdict => this.#verdict(containerId, 'liveness')
  readiness = (containerId: string): ProbeVerdict => this.#verdict(containerId, 'readiness')
  startup = (containerId: string): ProbeVerdict => this.#verdict(containerId, 'startup')

  /** Probes exactly what runs of the pod. */
  sync(pod: NodePod, view: PodView, podIP: string): void {
    const uid = uidOf(pod)
    const wanted = new Set<string>()
    for (const { container } of allContainers(pod)) {
      const running = latest(view, container.name)
      if (running?.state !== 'CONTAINER_RUNNING') continue
      for (const sort of ['startup', 'liveness', 'readiness'] as const) {
        const probe = container[FIELDS[sort]]
        if (probe === undefined) continue
        const key = `${sort}/${running.id}`
        wanted.add(key)
        const known = this.#runs.get(key)
        if (known !== undefined) {
          known.pod = pod
          known.podIP = podIP
          continue
        }
        const started = (): boolean => container.startupProbe === undefined || this.startup(running.id) === 'success'
        this.#runs.set(
          key,
          new ProbeRun(this.#options, {
            sort,
            probe,
            pod,
            container,
            id: running.id,
            podIP,
            startedAt: running.startedAt,
            started,
          }),
        )
      }
    }
    for (const key of this.#ofPod.get(uid) ?? []) if (!wanted.has(key)) this.#end(key)
    if (wanted.size === 0) this.#ofPod.delete(uid)
    else this.#ofPod.set(uid, wanted)
  }

  /** No container of the pod is probed any more: it is being stopped, and must not be started again. */
  forget(podUid: string): void {
    for (const key of this.#ofPod.get(podUid) ?? []) this.#end(key)
    this.#ofPod.delete(podUid)
  }

  /** While the pod is being stopped only its readiness still matters. */
  keepReadinessOnly(podUid: string): void {
    for (const key of this.#ofPod.get(podUid) ?? []) if (!key.startsWith('readiness/')) this.#runs.get(key)?.stop()
  }

  /** The agent began anew and found this container ready: until its probe says otherwise, it is. */
  assumeReady(containerId: string, started: boolean, ready: boolean): void {
    if (started) this.#runs.get(`startup/${containerId}`)?.assume('success')
    if (ready) this.#runs.get(`readiness/${containerId}`)?.assume('success')
  }

  [Symbol.dispose](): void {
    for (const key of [...this.#runs.keys()]) this.#end(key)
  }

  #verdict(containerId: string, sort: Sort): ProbeVerdict {
    return this.#runs.get(`${sort}/${containerId}`)?.verdict ?? 'unknown'
  }

  #end(key: string): void {
    this.#runs.get(key)?.stop()
    this.#runs.delete(key)
  }
}

interface ProbeSubject {
  sort: Sort
  probe: DeepReadonly<Probe>
  pod: NodePod
  container: NodeContainer
  id: string
  podIP: string
  startedAt: number
  started: () => boolean
}

class ProbeRun {
  verdict: ProbeVerdict
  pod: NodePod
  podIP: string
  readonly #options: ProbeKeeperOptions
  readonly #subject: ProbeSubject
  readonly #stop = new AbortController()
  #timer: Timer | undefined
  /** How often in a row the last outcome came. */
  #streak = 0
  #last: boolean | undefined

  constructor(options: ProbeKeeperOptions, subject: ProbeSubject) {
    this.#options = options
    this.#subject = subject
    this.pod = subject.pod
    this.podIP = subject.podIP
    // Not ready before the first success; alive until the contrary is shown.
    this.verdict = subject.sort === 'readiness' ? 'failure' : subject.sort === 'liveness' ? 'success' : 'unknown'
    const delayMs = (subject.probe.initialDelaySeconds ?? 0) * 1000
    this.#arm(Math.max(0, subject.startedAt + delayMs - options.clock.now()))
  }

  assume(verdict: ProbeVerdict): void {
    this.verdict = verdict
  }

  stop(): void {
    this.#timer?.cancel()
    this.#stop.abort()
  }

  #arm(ms: number): void {
    this.#timer = this.#options.clock.after(ms, () => void this.#probe())
  }

  async #probe(): Promise<void> {
    const { sort, probe, container, id, started } = this.#subject
    const periodMs = Math.max(1, probe.periodSeconds ?? 10) * 1000
    // Until a container has started, only the startup probe asks; afterwards that one never does again.
    if (sort === 'startup' ? this.verdict === 'success' : !started()) {
      if (sort !== 'startup') this.#arm(Math.min(periodMs, 1000))
      return
    }
    const timeoutMs = Math.max(1, probe.timeoutSeconds ?? 1) * 1000
    const target = { container, containerId: id, podIP: this.podIP }
    const { ok, output, errored } = await this.#options.prober.run(probe, target, timeoutMs, this.#stop.signal)
    if (this.#stop.signal.aborted) return
    if (errored) this.#tell(`${NAMES[sort]} probe errored and resulted in unknown state: ${output}`)
    else this.#take(ok, output)
    if (sort === 'startup' && this.verdict !== 'unknown') return
    // It is about to be replaced: asking it on would only tell of its end.
    if (sort === 'liveness' && this.verdict === 'failure') return
    this.#arm(periodMs)
  }

  #take(ok: boolean, output: string): void {
    const { sort, probe } = this.#subject
    this.#streak = this.#last === ok ? this.#streak + 1 : 1
    this.#last = ok
    if (!ok) this.#tell(`${NAMES[sort]} probe failed: ${output}`)
    const needed = ok ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3)
    if (this.#streak < needed) return
    const verdict = ok ? 'success' : 'failure'
    if (verdict === this.verdict) return
    this.verdict = verdict
    this.#options.onChange(uidOf(this.pod))
  }

  #tell(message: string): void {
    const about = containerReference(this.pod, this.#subject.container.name)
    this.#options.events.event(about, 'Warning', 'Unhealthy', message)
  }
}
