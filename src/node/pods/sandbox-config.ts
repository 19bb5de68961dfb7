// A pod as CRI's sandbox: names, DNS, ports, namespaces, limits. Pure.

import { qosClass } from '../../api/core/pod/requests.ts'
import type { PodSandboxConfig, Protocol } from '../cri/cri.ts'
import type { NodeContext } from '../context.ts'
import { podDns, podHostname } from './dns.ts'
import { LABELS, type NodePod, uidOf } from './model.ts'
import { podLogDirectory } from './paths.ts'
import { sandboxSecurity } from './security.ts'

export function sandboxConfig(
  pod: NodePod,
  attempt: number,
  context: Pick<NodeContext, 'cgroups' | 'directories' | 'dns'>,
  hostResolvConf: string,
): PodSandboxConfig {
  const { name, namespace = '' } = pod.metadata
  const uid = uidOf(pod)
  const { hostname, fqdn } = podHostname(pod, context.dns.domain)
  return {
    metadata: { name, namespace, uid, attempt },
    // On the host's network the node's name is the pod's.
    ...(pod.spec.hostNetwork ? {} : { hostname: pod.spec.setHostnameAsFQDN && fqdn !== undefined ? fqdn : hostname }),
    logDirectory: podLogDirectory(context.directories, { namespace, name, uid }),
    dnsConfig: podDns(pod, context.dns, hostResolvConf),
    portMappings: pod.spec.hostNetwork ? [] : portMappings(pod),
    labels: {
      ...pod.metadata.labels,
      [LABELS.podName]: name,
      [LABELS.podNamespace]: namespace,
      [LABELS.podUid]: uid,
    },
    annotations: { ...pod.metadata.annotations, 'kubernetes.io/config.source': 'api' },
    linux: {
      cgroupParent: context.cgroups.podPath({ uid, qos: qosClass(pod.spec) }),
      securityContext: sandboxSecurity(pod, context.directories.seccomp),
      sysctls: Object.fromEntries((pod.spec.securityContext?.sysctls ?? []).map((s) => [s.name, s.value])),
    },
  }
}

function portMappings(pod: NodePod) {
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
  return containers.flatMap(({ ports = [] }) =>
    ports
      .filter(({ hostPort = 0 }) => hostPort > 0)
      .map(({ protocol = 'TCP', containerPort, hostPort = 0, hostIP = '' }) => ({
        protocol: protocol as Protocol,
        containerPort,
        hostPort,
        hostIp: hostIP,
      })),
  )
}
