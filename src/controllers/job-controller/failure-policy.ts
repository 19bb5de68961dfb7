// What a job's policy makes of a pod that failed: whether the failure counts, and whether index or job fail with it. Pure.

import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type {
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
} from '../../api/batch/job/fields.ts'
import type { ContainerStatus } from '../../api/core/pod/container-status.ts'
import { indexFailures, isPodFailed, type ReadonlyJob, type ReadonlyPod } from './job-pods.ts'

export interface Judgement {
  counts: boolean
  action?: 'Count' | 'FailIndex' | 'FailJob' | 'Ignore'
  /** Why the job fails. */
  message?: string
}

/** The first rule that fits decides. */
export function judge({ spec: { podFailurePolicy } }: ReadonlyJob, pod: ReadonlyPod): Judgement {
  const { namespace, name } = pod.metadata
  for (const [index, { action, onExitCodes, onPodConditions }] of (podFailurePolicy?.rules ?? []).entries()) {
    const condition = onPodConditions && matchingCondition(pod, onPodConditions)
    const container = onExitCodes && matchingContainer(pod, onExitCodes)
    if (condition === undefined && container === undefined) continue
    if (action !== 'FailJob') return { counts: action !== 'Ignore', action }
    const rule = `matching ${action} rule at index ${index}`
    const message =
      container === undefined
        ? `Pod ${namespace}/${name} has condition ${condition} ${rule}`
        : `Container ${container.name} for pod ${namespace}/${name} failed with exit code ${container.state?.terminated?.exitCode} ${rule}`
    return { counts: true, action, message }
  }
  return { counts: true }
}

function matchingCondition(
  { status }: ReadonlyPod,
  patterns: readonly DeepReadonly<PodFailurePolicyOnPodConditionsPattern>[],
): string | undefined {
  return status?.conditions?.find((condition) =>
    patterns.some((pattern) => pattern.type === condition.type && pattern.status === condition.status),
  )?.type
}

function matchingContainer(
  { status }: ReadonlyPod,
  { containerName, operator, values }: DeepReadonly<PodFailurePolicyOnExitCodesRequirement>,
): DeepReadonly<ContainerStatus> | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = status ?? {}
  return [...containerStatuses, ...initContainerStatuses].find(({ name, state }) => {
    const exitCode = state?.terminated?.exitCode ?? 0
    if (exitCode === 0 || (containerName !== undefined && containerName !== name)) return false
    return values.includes(exitCode) === (operator === 'In')
  })
}

/** The failure of this pod is the failure of its index. */
export function isIndexFailed(job: ReadonlyJob, pod: ReadonlyPod): boolean {
  if (!isPodFailed(job, pod)) return false
  const { counts, action } = judge(job, pod)
  return action === 'FailIndex' || (counts && indexFailures(pod) >= (job.spec.backoffLimitPerIndex ?? 0))
}
