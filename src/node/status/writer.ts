// Tells the API what a pod is like, when that has changed.

import { isConflict, isNotFound } from '../../apimachinery/errors.ts'
import { pods } from '../../api/core/pod/pod.ts'
import type { PodStatus } from '../../api/core/pod/status.ts'
import type { Client } from '../../client/client.ts'
import { type NodePod, uidOf } from '../pods/model.ts'

/** The fields that the agent owns; others' stay as they are. */
const OWN_FIELDS = [
  'observedGeneration',
  'phase',
  'reason',
  'message',
  'hostIP',
  'hostIPs',
  'podIP',
  'podIPs',
  'startTime',
  'initContainerStatuses',
  'containerStatuses',
  'ephemeralContainerStatuses',
  'qosClass',
] as const satisfies readonly (keyof PodStatus)[]

export class StatusWriter {
  readonly #client: Client
  /** What the API was told last, by pod. */
  readonly #written = new Map<string, PodStatus>()

  constructor(client: Client) {
    this.#client = client
  }

  /** What the API has by now, as far as the agent knows: its own last word counts more than an older watch event. */
  lastWritten(uid: string): PodStatus | undefined {
    return this.#written.get(uid)
  }

  async write(pod: NodePod, status: PodStatus, signal: AbortSignal): Promise<void> {
    const before = this.#written.get(uidOf(pod)) ?? (pod.status as PodStatus | undefined) ?? {}
    const patch = statusPatch(before, status)
    if (patch === undefined) return
    const { name, namespace = '' } = pod.metadata
    const body = { metadata: { uid: uidOf(pod) }, status: patch }
    try {
      await this.#client.patch(
        pods,
        { namespace, name },
        { type: 'strategic', body },
        { subresource: 'status', signal },
      )
    } catch (error) {
      // Gone, or another pod of that name by now: nobody is left to tell.
      if (isNotFound(error) || isConflict(error)) return
      throw error
    }
    this.#written.set(uidOf(pod), status)
  }

  forget(uid: string): void {
    this.#written.delete(uid)
  }
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))

/** The order of fields is nobody's business. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, v]) => v !== undefined && !isEmptyObject(v))
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, sorted(v)]))
}

const isEmptyObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0

/** A strategic merge patch from one status to the other; undefined when there is nothing to say. */
export function statusPatch(before: PodStatus, after: PodStatus): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {}
  for (const field of OWN_FIELDS) {
    if (same(before[field], after[field])) continue
    const value = after[field]
    // Lists that merge by key would keep the addresses of before.
    if (field === 'podIPs' || field === 'hostIPs') patch[field] = [...(after[field] ?? []), { $patch: 'replace' }]
    else patch[field] = value ?? null
  }
  const conditions = (after.conditions ?? []).filter(
    (condition) =>
      !same(
        condition,
        before.conditions?.find(({ type }) => type === condition.type),
      ),
  )
  if (conditions.length > 0) {
    patch['conditions'] = conditions.map((condition) => {
      const old = before.conditions?.find(({ type }) => type === condition.type)
      const cleared = (['reason', 'message'] as const).filter(
        (f) => old?.[f] !== undefined && condition[f] === undefined,
      )
      return { ...condition, ...Object.fromEntries(cleared.map((f) => [f, null])) }
    })
  }
  return Object.keys(patch).length === 0 ? undefined : patch
}
