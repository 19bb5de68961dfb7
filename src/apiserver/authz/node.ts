// The node authorizer: an agent may do what the role `system:node` says, and read secrets, configMaps and accounts only of pods that are bound to its node.

import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Pod } from '../../api/core/pod/pod.ts'
import { ALLOWED, type AuthorizationRequest, type Authorizer, NO_OPINION } from './authorizer.ts'
import { type PolicyRule, ruleAllows } from './rbac.ts'

export interface NodeAuthorizerSource {
  /** The rules of the cluster role `system:node`. */
  rules(): readonly PolicyRule[]
  podsOn(node: string): Iterable<DeepReadonly<Pod>>
}

const USER = 'system:node:'

export function nodeAuthorizer(source: NodeAuthorizerSource): Authorizer {
  return {
    name: 'Node',
    authorize(request) {
      const { username, groups } = request.identity
      if (!username.startsWith(USER) || !groups.includes('system:nodes') || request.path !== undefined)
        return NO_OPINION
      const node = username.slice(USER.length)
      if (!source.rules().some((rule) => ruleAllows(rule, request))) return NO_OPINION
      const reason = refusal(source, request, node)
      return reason === undefined ? ALLOWED : { verdict: 'no-opinion', reason }
    },
  }
}

/** Why a node may not, although the role would let it; undefined when it may. */
function refusal(source: NodeAuthorizerSource, request: AuthorizationRequest, node: string): string | undefined {
  const { resource, subresource, name, namespace, verb } = request
  if (request.group === 'coordination.k8s.io') {
    if (namespace !== 'kube-node-lease') return `can only access leases in the "kube-node-lease" system namespace`
    return verb === 'create' || name === node
      ? undefined
      : `can only access node lease with the same name as the requesting node`
  }
  if (request.group !== '') return undefined
  if (resource === 'nodes') {
    const writes = verb === 'update' || verb === 'patch'
    return writes && name !== node
      ? `node ${JSON.stringify(node)} cannot modify node ${JSON.stringify(name)}`
      : undefined
  }
  if (resource === 'secrets' || resource === 'configmaps') {
    if (name === '') return `can only read resources of this type by name: No Object name found`
    return related(source, node, namespace, (pod) => mentions(pod, resource, name))
  }
  if (resource === 'serviceaccounts' && subresource === 'token') {
    return related(source, node, namespace, (pod) => (pod.spec?.serviceAccountName ?? 'default') === name)
  }
  return undefined
}

function related(
  source: NodeAuthorizerSource,
  node: string,
  namespace: string,
  uses: (pod: DeepReadonly<Pod>) => boolean,
): string | undefined {
  for (const pod of source.podsOn(node)) if (pod.metadata.namespace === namespace && uses(pod)) return undefined
  return `no relationship found between node '${node}' and this object`
}

/** Does the pod's spec name the secret or configMap? Names stand in it as values of fields that are called so, however deep. */
function mentions(pod: DeepReadonly<Pod>, resource: 'secrets' | 'configmaps', name: string): boolean {
  const spec = pod.spec
  if (!spec) return false
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])]
  if (resource === 'secrets' && spec.imagePullSecrets?.some((s) => s.name === name)) return true
  for (const container of containers) {
    for (const { valueFrom } of container.env ?? []) {
      if ((resource === 'secrets' ? valueFrom?.secretKeyRef : valueFrom?.configMapKeyRef)?.name === name) return true
    }
    for (const from of container.envFrom ?? [])
      if ((resource === 'secrets' ? from.secretRef : from.configMapRef)?.name === name) return true
  }
  return (spec.volumes ?? []).some((volume) => {
    const direct = resource === 'secrets' ? volume.secret?.secretName : volume.configMap?.name
    return (
      direct === name ||
      volume.projected?.sources?.some((s) => (resource === 'secrets' ? s.secret : s.configMap)?.name === name) === true
    )
  })
}
