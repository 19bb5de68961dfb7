// What pods and containers use, as `/stats/summary`, `/metrics` and `/metrics/resource` tell it.

import { qosClass } from '../../api/core/pod/requests.ts'
import { rfc3339 } from '../../base/clock.ts'
import type { CgroupStats } from '../cgroup/stats.ts'
import type { NodeContext } from '../context.ts'
import { type NodePod, uidOf } from '../pods/model.ts'

interface Usage {
  readonly pod: NodePod
  readonly total: CgroupStats | undefined
  readonly containers: readonly { readonly name: string; readonly stats: CgroupStats }[]
}

export function usageOf({ cgroups }: Pick<NodeContext, 'cgroups'>, pods: readonly NodePod[]): Usage[] {
  return pods.map((pod) => {
    const group = { uid: uidOf(pod), qos: qosClass(pod.spec) }
    const containers = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
      .filter(({ state }) => state?.running !== undefined)
      .map(({ name, containerID = '' }) => ({
        name,
        stats: cgroups.containerStats(group, containerID.replace('containerd://', '')),
      }))
      .flatMap(({ name, stats }) => (stats === undefined ? [] : [{ name, stats }]))
    return { pod, total: cgroups.podStats(group), containers }
  })
}

export function summary(context: NodeContext, pods: readonly NodePod[]): object {
  const time = rfc3339(context.clock.now())
  const usages = usageOf(context, pods)
  const totals = usages.flatMap(({ total }) => (total === undefined ? [] : [total]))
  return {
    node: { nodeName: context.nodeName, ...figures(sum(totals), time) },
    pods: usages.map(({ pod, total, containers }) => ({
      podRef: { name: pod.metadata.name, namespace: pod.metadata.namespace, uid: uidOf(pod) },
      startTime: pod.status?.startTime ?? null,
      containers: containers.map(({ name, stats }) => ({ name, ...figures(stats, time) })),
      ...(total === undefined ? {} : figures(total, time)),
    })),
  }
}

function figures(stats: CgroupStats, time: string): object {
  return {
    cpu: { time, usageCoreNanoSeconds: stats.cpuNanoseconds },
    memory: {
      time,
      usageBytes: stats.memoryUsageBytes,
      workingSetBytes: stats.memoryWorkingSetBytes,
      rssBytes: stats.memoryRssBytes,
      pageFaults: stats.pageFaults,
      majorPageFaults: stats.majorPageFaults,
    },
  }
}

function sum(stats: readonly CgroupStats[]): CgroupStats {
  const add = (key: keyof CgroupStats): number => stats.reduce((total, one) => total + one[key], 0)
  return {
    cpuNanoseconds: add('cpuNanoseconds'),
    memoryUsageBytes: add('memoryUsageBytes'),
    memoryWorkingSetBytes: add('memoryWorkingSetBytes'),
    memoryRssBytes: add('memoryRssBytes'),
    pageFaults: add('pageFaults'),
    majorPageFaults: add('majorPageFaults'),
  }
}

/** `/metrics/resource`: what the metrics server reads. */
export function resourceMetrics(context: NodeContext, pods: readonly NodePod[]): string {
  const usages = usageOf(context, pods)
  const totals = sum(usages.flatMap(({ total }) => (total === undefined ? [] : [total])))
  const family = (name: string, type: string, help: string, samples: readonly string[]): string[] => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples,
  ]
  const labels = (pod: NodePod, container?: string): string => {
    const of = container === undefined ? '' : `container="${container}",`
    return `{${of}namespace="${pod.metadata.namespace ?? ''}",pod="${pod.metadata.name}"}`
  }
  const perPod = (value: (stats: CgroupStats) => number, name: string): string[] =>
    usages.flatMap(({ pod, total }) => (total === undefined ? [] : [`${name}${labels(pod)} ${value(total)}`]))
  const perContainer = (value: (stats: CgroupStats) => number, name: string): string[] =>
    usages.flatMap(({ pod, containers }) => containers.map((c) => `${name}${labels(pod, c.name)} ${value(c.stats)}`))
  const cpu = (stats: CgroupStats): number => stats.cpuNanoseconds / 1e9
  const memory = (stats: CgroupStats): number => stats.memoryWorkingSetBytes
  return [
    ...family(
      'container_cpu_usage_seconds_total',
      'counter',
      'CPU time of a container',
      perContainer(cpu, 'container_cpu_usage_seconds_total'),
    ),
    ...family(
      'container_memory_working_set_bytes',
      'gauge',
      'Memory of a container',
      perContainer(memory, 'container_memory_working_set_bytes'),
    ),
    ...family('node_cpu_usage_seconds_total', 'counter', 'CPU time of all pods', [
      `node_cpu_usage_seconds_total ${cpu(totals)}`,
    ]),
    ...family('node_memory_working_set_bytes', 'gauge', 'Memory of all pods', [
      `node_memory_working_set_bytes ${memory(totals)}`,
    ]),
    ...family(
      'pod_cpu_usage_seconds_total',
      'counter',
      'CPU time of a pod',
      perPod(cpu, 'pod_cpu_usage_seconds_total'),
    ),
    ...family(
      'pod_memory_working_set_bytes',
      'gauge',
      'Memory of a pod',
      perPod(memory, 'pod_memory_working_set_bytes'),
    ),
    '',
  ].join('\n')
}

/** `/metrics`: the agent itself. */
export function agentMetrics({ nodeName }: NodeContext, pods: readonly NodePod[]): string {
  const running = pods.filter(({ status }) => status?.phase === 'Running').length
  const states = { running: 0, waiting: 0, exited: 0 }
  for (const { status } of pods)
    for (const { state } of status?.containerStatuses ?? []) {
      if (state?.running !== undefined) states.running++
      else if (state?.terminated !== undefined) states.exited++
      else states.waiting++
    }
  return [
    '# HELP kubelet_node_name The name of the node',
    '# TYPE kubelet_node_name gauge',
    `kubelet_node_name{node="${nodeName}"} 1`,
    '# HELP kubelet_running_pods Pods with a running sandbox',
    '# TYPE kubelet_running_pods gauge',
    `kubelet_running_pods ${running}`,
    '# HELP kubelet_running_containers Containers by state',
    '# TYPE kubelet_running_containers gauge',
    ...Object.entries(states).map(
      ([state, count]) => `kubelet_running_containers{container_state="${state}"} ${count}`,
    ),
    '',
  ].join('\n')
}
