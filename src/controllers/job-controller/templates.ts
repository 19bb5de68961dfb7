// The pods of a job: kept until they are counted, and told their index. Pure.

import { cloneJson } from '../../apimachinery/objects.ts'
import type { PodTemplateSpec } from '../../api/core/pod/template.ts'
import type { PodBlank } from '../replica-set-core/act.ts'
import { judge } from './failure-policy.ts'
import {
  COMPLETION_INDEX,
  FAILURE_COUNT,
  hasIndexLimit,
  IGNORED_FAILURE_COUNT,
  ignoredIndexFailures,
  indexFailures,
  TRACKING_FINALIZER,
  type ReadonlyPod,
} from './job-pods.ts'
import type { JobView } from './view.ts'

const ENVIRONMENT_VARIABLE = 'JOB_COMPLETION_INDEX'

export function blankFor(view: JobView, index: number | undefined): PodBlank {
  const { job, held } = view
  const { metadata, spec } = cloneJson(job.spec.template) as PodTemplateSpec
  const finalizers = [...new Set([...(metadata?.finalizers ?? []), TRACKING_FINALIZER])]
  if (index === undefined) return { template: { metadata: { ...metadata, finalizers }, spec } }
  for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
    if (container.env?.some(({ name }) => name === ENVIRONMENT_VARIABLE)) continue
    const fieldRef = { fieldPath: `metadata.labels['${COMPLETION_INDEX}']` }
    container.env = [...(container.env ?? []), { name: ENVIRONMENT_VARIABLE, valueFrom: { fieldRef } }]
  }
  const name = `${job.metadata.name}-${index}`
  return {
    template: {
      metadata: {
        ...metadata,
        finalizers,
        labels: { ...metadata?.labels, [COMPLETION_INDEX]: String(index) },
        annotations: {
          ...metadata?.annotations,
          [COMPLETION_INDEX]: String(index),
          ...(hasIndexLimit(job) ? failureAnnotations(view, held.get(index)) : {}),
        },
      },
      spec: { ...spec, hostname: name },
    },
    generateName: `${name}-`,
  }
}

function failureAnnotations({ job }: JobView, last: ReadonlyPod | undefined): Record<string, string> {
  if (last === undefined) return { [FAILURE_COUNT]: '0' }
  const { counts } = judge(job, last)
  const ignored = ignoredIndexFailures(last) + (counts ? 0 : 1)
  return {
    [FAILURE_COUNT]: String(indexFailures(last) + (counts ? 1 : 0)),
    ...(ignored > 0 ? { [IGNORED_FAILURE_COUNT]: String(ignored) } : {}),
  }
}
