// The row of a node in `kubectl get nodes`.

import type { Column } from '../../../apimachinery/resource.ts'
import type { Node } from './node.ts'
import { nodeAddress } from './placement.ts'

const ROLE_PREFIX = 'node-role.kubernetes.io/'
const ROLE_LABEL = 'kubernetes.io/role'

export const nodeColumns: readonly Column<Node>[] = [
  { name: 'Status', description: 'Whether the node takes and runs pods.', cell: status },
  { name: 'Roles', description: 'What the node is for, by its labels.', cell: roles },
]

export const nodeVersionColumns: readonly Column<Node>[] = [
  {
    name: 'Version',
    description: 'The version of the node agent.',
    cell: (node) => node.status?.nodeInfo?.kubeletVersion ?? '',
  },
  {
    name: 'Internal-IP',
    priority: 1,
    description: 'The address inside the cluster.',
    cell: (node) => nodeAddress(node, 'InternalIP') ?? '<none>',
  },
  {
    name: 'External-IP',
    priority: 1,
    description: 'The address seen from outside.',
    cell: (node) => nodeAddress(node, 'ExternalIP') ?? '<none>',
  },
  {
    name: 'OS-Image',
    priority: 1,
    description: 'The operating system.',
    cell: (node) => node.status?.nodeInfo?.osImage || '<unknown>',
  },
  {
    name: 'Kernel-Version',
    priority: 1,
    description: 'The version of the kernel.',
    cell: (node) => node.status?.nodeInfo?.kernelVersion || '<unknown>',
  },
  {
    name: 'Container-Runtime',
    priority: 1,
    description: 'What runs the containers.',
    cell: (node) => node.status?.nodeInfo?.containerRuntimeVersion || '<unknown>',
  },
]

function status(node: Node): string {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')
  const words = [ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady']
  if (node.spec?.unschedulable === true) words.push('SchedulingDisabled')
  return words.join(',')
}

function roles(node: Node): string {
  const found = new Set<string>()
  for (const [key, value] of Object.entries(node.metadata.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX) && key.length > ROLE_PREFIX.length) found.add(key.slice(ROLE_PREFIX.length))
    else if (key === ROLE_LABEL && value !== '') found.add(value)
  }
  return found.size === 0 ? '<none>' : [...found].sort().join(',')
}
