// Which container of a pod a request means, in upstream's words where it cannot be told.

import * as errors from '../../apimachinery/errors.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Pod } from '../../api/core/pod/pod.ts'

/** Names the container that clients mean when they name none. */
const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container'

const namesOf = (containers: readonly { name: string }[] | undefined): string[] => (containers ?? []).map((c) => c.name)

export function chooseContainer(pod: DeepReadonly<Pod>, asked: string): string {
  const { name } = pod.metadata
  const containers = namesOf(pod.spec.containers)
  const initContainers = namesOf(pod.spec.initContainers)
  const all = [...containers, ...initContainers, ...namesOf(pod.spec.ephemeralContainers)]
  if (asked !== '') {
    if (!all.includes(asked)) throw errors.badRequest(`container ${asked} is not valid for pod ${name}`)
    return asked
  }
  const [only] = containers
  if (only === undefined) throw errors.badRequest(`a container name must be specified for pod ${name}`)
  if (containers.length === 1) return only
  const preferred = pod.metadata.annotations?.[DEFAULT_CONTAINER]
  if (preferred !== undefined && all.includes(preferred)) return preferred
  const others = initContainers.length > 0 ? ` or one of the init containers: [${initContainers.join(' ')}]` : ''
  throw errors.badRequest(
    `a container name must be specified for pod ${name}, choose one of: [${containers.join(' ')}]${others}`,
  )
}

/** The node that a pod runs on; exec and the like need one. */
export function hostOf(pod: DeepReadonly<Pod>): string {
  const { nodeName } = pod.spec
  if (!nodeName) throw errors.badRequest(`pod ${pod.metadata.name} does not have a host assigned`)
  return nodeName
}
