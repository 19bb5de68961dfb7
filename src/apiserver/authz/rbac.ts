// Role-based access control: rules of the roles that are bound to a user, their groups or their service account; allow or no opinion, never deny.

import type { Identity } from '../../client/door.ts'
import { ALLOWED, type AuthorizationRequest, type Authorizer, type Decision, NO_OPINION } from './authorizer.ts'

export interface PolicyRule {
  verbs: readonly string[]
  apiGroups?: readonly string[]
  resources?: readonly string[]
  resourceNames?: readonly string[]
  nonResourceURLs?: readonly string[]
}

export interface Subject {
  kind: string
  apiGroup?: string
  name: string
  namespace?: string
}

export interface Binding {
  /** Empty for a ClusterRoleBinding. */
  namespace: string
  name: string
  subjects: readonly Subject[]
  role: { kind: 'Role' | 'ClusterRole'; name: string }
}

/** The RBAC objects as the authorizer reads them: by way of the watch cache, so a change counts at once. Bindings that have changed are another array. */
export interface RbacSource {
  clusterBindings(): readonly Binding[]
  bindings(namespace: string): readonly Binding[]
  rules(kind: 'Role' | 'ClusterRole', namespace: string, name: string): readonly PolicyRule[] | undefined
}

export interface GrantedRule {
  rule: PolicyRule
  /** Empty: everywhere. */
  namespace: string
  binding: Binding
}

/** Every rule that applies to an identity, in a namespace ('' for cluster-wide only); in upstream's order. */
export function* rulesFor(source: RbacSource, identity: Identity, namespace: string): Generator<GrantedRule> {
  yield* granted(source, source.clusterBindings(), identity, '')
  if (namespace !== '') yield* granted(source, source.bindings(namespace), identity, namespace)
}

function* granted(
  source: RbacSource,
  bindings: readonly Binding[],
  identity: Identity,
  namespace: string,
): Generator<GrantedRule> {
  for (const binding of bindingsOf(bindings, identity, namespace)) {
    for (const rule of source.rules(binding.role.kind, namespace, binding.role.name) ?? [])
      yield { rule, namespace, binding }
  }
}

/** Which of some bindings are about an identity. A client sends all its requests under one, and bindings seldom change. */
const ofIdentities = new WeakMap<readonly Binding[], WeakMap<Identity, readonly Binding[]>>()

function bindingsOf(bindings: readonly Binding[], identity: Identity, namespace: string): readonly Binding[] {
  let known = ofIdentities.get(bindings)
  if (known === undefined) {
    known = new WeakMap()
    ofIdentities.set(bindings, known)
  }
  let own = known.get(identity)
  if (own === undefined) {
    own = bindings.filter(({ subjects }) => subjects.some((s) => isSubject(s, identity, namespace)))
    known.set(identity, own)
  }
  return own
}

function isSubject(subject: Subject, { username, groups }: Identity, bindingNamespace: string): boolean {
  switch (subject.kind) {
    case 'User':
      return subject.name === username
    case 'Group':
      return groups.includes(subject.name)
    case 'ServiceAccount': {
      const namespace = subject.namespace || bindingNamespace
      return namespace !== '' && username === `system:serviceaccount:${namespace}:${subject.name}`
    }
    default:
      return false
  }
}

export function ruleAllows(rule: PolicyRule, request: AuthorizationRequest): boolean {
  if (!has(rule.verbs, request.verb)) return false
  if (request.path !== undefined)
    return (rule.nonResourceURLs ?? []).some((pattern) => matchesPath(pattern, request.path ?? ''))
  if (!has(rule.apiGroups, request.group)) return false
  if (!matchesResource(rule.resources ?? [], request.resource, request.subresource)) return false
  return !rule.resourceNames?.length || rule.resourceNames.includes(request.name)
}

const has = (list: readonly string[] | undefined, value: string): boolean =>
  list?.includes('*') === true || list?.includes(value) === true

function matchesPath(pattern: string, path: string): boolean {
  return pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)))
}

function matchesResource(resources: readonly string[], resource: string, subresource: string): boolean {
  if (subresource === '') return resources.includes('*') || resources.includes(resource)
  return resources.some((r) => r === '*' || r === `${resource}/${subresource}` || r === `*/${subresource}`)
}

export function rbacAuthorizer(source: RbacSource): Authorizer {
  return {
    name: 'RBAC',
    authorize(request): Decision {
      const { identity, namespace } = request
      const everywhere = allowing(source, source.clusterBindings(), request, '')
      if (everywhere) return new AllowedBy(everywhere, identity, '')
      const inside = namespace === '' ? undefined : allowing(source, source.bindings(namespace), request, namespace)
      return inside ? new AllowedBy(inside, identity, namespace) : NO_OPINION
    },
  }
}

/** The first binding, in the order of `rulesFor`, that allows a request. */
function allowing(
  source: RbacSource,
  bindings: readonly Binding[],
  request: AuthorizationRequest,
  namespace: string,
): Binding | undefined {
  for (const binding of bindingsOf(bindings, request.identity, namespace)) {
    const rules = source.rules(binding.role.kind, namespace, binding.role.name)
    if (rules?.some((rule) => ruleAllows(rule, request))) return binding
  }
  return undefined
}

/** Only reviews say why something is allowed; the requests themselves do not ask. */
class AllowedBy implements Decision {
  readonly verdict = 'allow'
  readonly #binding: Binding
  readonly #identity: Identity
  readonly #namespace: string

  constructor(binding: Binding, identity: Identity, namespace: string) {
    this.#binding = binding
    this.#identity = identity
    this.#namespace = namespace
  }

  get reason(): string {
    const binding = this.#binding
    const namespace = this.#namespace
    const kind = namespace === '' ? 'ClusterRoleBinding' : 'RoleBinding'
    const name = namespace === '' ? binding.name : `${binding.name}/${namespace}`
    const role = `${binding.role.kind} ${JSON.stringify(binding.role.name)}`
    const subject = subjectText(binding, this.#identity, namespace)
    return `RBAC: allowed by ${kind} ${JSON.stringify(name)} of ${role} to ${subject}`
  }
}

function subjectText({ subjects }: Binding, identity: Identity, namespace: string): string {
  const subject = subjects.find((s) => isSubject(s, identity, namespace))
  const name =
    subject?.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace ?? namespace}` : (subject?.name ?? '')
  return `${subject?.kind ?? ''} ${JSON.stringify(name)}`
}

/** Members of `system:masters` may do everything, whatever the roles say; so a cluster with broken roles can be mended. */
export const mastersAuthorizer: Authorizer = {
  name: 'SystemMasters',
  authorize: ({ identity }) => (identity.groups.includes('system:masters') ? ALLOWED : NO_OPINION),
}
