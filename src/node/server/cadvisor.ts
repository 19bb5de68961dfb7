// `/metrics/cadvisor`: what pods and containers use, under the names and labels that dashboards know.

import { qosClass } from '../../api/core/pod/requests.ts'
import type { CgroupStats } from '../cgroup/stats.ts'
import type { NodeContext } from '../context.ts'
import { uidOf, type NodePod } from '../pods/model.ts'
import { usageOf } from './summary.ts'

interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  readonly value: (stats: CgroupStats) => number
  readonly labels?: string
}

const FAMILIES: readonly Family[] = [
  {
    name: 'container_cpu_usage_seconds_total',
    type: 'counter',
    help: 'CPU time of a container in seconds',
    value: ({ cpuNanoseconds }) => cpuNanoseconds / 1e9,
    labels: 'cpu="total",',
  },
  {
    name: 'container_memory_usage_bytes',
    type: 'gauge',
    help: 'Memory of a container in bytes, with all of its cache',
    value: ({ memoryUsageBytes }) => memoryUsageBytes,
  },
  {
    name: 'container_memory_working_set_bytes',
    type: 'gauge',
    help: 'Memory of a container in bytes, without the cache that could be dropped',
    value: ({ memoryWorkingSetBytes }) => memoryWorkingSetBytes,
  },
  {
    name: 'container_memory_rss',
    type: 'gauge',
    help: 'Anonymous memory of a container in bytes',
    value: ({ memoryRssBytes }) => memoryRssBytes,
  },
]

interface Subject {
  readonly labels: string
  readonly stats: CgroupStats
}

export function cadvisorMetrics(context: NodeContext, pods: readonly NodePod[]): string {
  const subjects = usageOf(context, pods).flatMap(({ pod, total, containers }): Subject[] => {
    const own = containers.map(({ name, stats }) => ({ labels: labelsOf(context, pod, name), stats }))
    // The pod's own cgroup has no container and no image.
    return total === undefined ? own : [...own, { labels: labelsOf(context, pod, ''), stats: total }]
  })
  return FAMILIES.flatMap(({ name, type, help, value, labels: extra = '' }) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...subjects.map(({ labels, stats }) => `${name}{${labels.replace(',id=', `,${extra}id=`)}} ${value(stats)}`),
  ])
    .concat('')
    .join('\n')
}

/** In the order of their names. */
function labelsOf({ cgroups }: NodeContext, pod: NodePod, container: string): string {
  const group = cgroups.podPath({ uid: uidOf(pod), qos: qosClass(pod.spec) })
  const status = pod.status?.containerStatuses?.find(({ name }) => name === container)
  const id = status?.containerID?.replace('containerd://', '') ?? ''
  return [
    `container=${quoted(container)}`,
    `id=${quoted(id === '' ? group : `${group}/${id}`)}`,
    `image=${quoted(status?.image ?? '')}`,
    `name=${quoted(id)}`,
    `namespace=${quoted(pod.metadata.namespace ?? '')}`,
    `pod=${quoted(pod.metadata.name)}`,
  ].join(',')
}

const quoted = (value: string): string =>
  `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
