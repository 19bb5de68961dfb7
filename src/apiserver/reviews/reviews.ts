// The review kinds: questions about identities and rights that are answered, and never stored.

import { applyDefaults } from '../../apimachinery/defaults.ts'
import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import { rfc3339 } from '../../base/clock.ts'
import type { LocalSubjectAccessReview } from '../../api/authorization/local-subject-access-review.ts'
import type { SelfSubjectRulesReview } from '../../api/authorization/self-subject-rules-review.ts'
import type { TokenReview } from '../../api/authentication/token-review.ts'
import type { ApiResponse, Identity } from '../../client/door.ts'
import type { Authenticator } from '../authn/authenticator.ts'
import { withAuthenticatedGroup } from '../authn/authenticator.ts'
import type { TokenIssuer } from '../authn/service-account-tokens.ts'
import { type AuthorizationRequest, type Authorizer, authorize } from '../authz/authorizer.ts'
import { type RbacSource, rulesFor } from '../authz/rbac.ts'
import { parseJsonBody } from '../request-body.ts'
import { decodeObject } from '../registry/body.ts'
import { checkNew } from '../registry/validation.ts'
import { kindResponse } from '../responses.ts'
import { type Call, formOf } from '../rest.ts'
import type { SubresourceHandler } from '../server.ts'

export interface ReviewOptions {
  authenticators: readonly Authenticator[]
  authorizers: readonly Authorizer[]
  rbac: RbacSource
  tokens: TokenIssuer
}

type Answer = (object: AnyObject, call: Call) => object | Promise<object>

/** Handlers by `plural.group`. */
export function reviews(options: ReviewOptions): Readonly<Record<string, SubresourceHandler>> {
  return {
    'tokenreviews.authentication.k8s.io': handler((object, call) =>
      reviewToken(options, object as AnyObject & TokenReview, call),
    ),
    'selfsubjectreviews.authentication.k8s.io': handler((_object, { context }) => ({
      userInfo: userInfo(context.identity),
    })),
    'subjectaccessreviews.authorization.k8s.io': handler((object) => reviewAccess(options, object, askerOf(object))),
    'localsubjectaccessreviews.authorization.k8s.io': handler((object, { context }) => {
      const { spec } = object as AnyObject & LocalSubjectAccessReview
      const { namespace } = context.info
      if (spec.resourceAttributes?.namespace !== namespace) {
        throw errors.badRequest(`spec.resourceAttributes.namespace must match namespace: ${namespace}`)
      }
      return reviewAccess(options, object, askerOf(object))
    }),
    'selfsubjectaccessreviews.authorization.k8s.io': handler((object, { context }) =>
      reviewAccess(options, object, context.identity),
    ),
    'selfsubjectrulesreviews.authorization.k8s.io': handler((object, { context }) =>
      reviewRules(options.rbac, object as AnyObject & SelfSubjectRulesReview, context.identity),
    ),
  }
}

/** Reads the question, and gives it back with the answer as its status. */
function handler(answer: Answer): SubresourceHandler {
  return async (call): Promise<ApiResponse> => {
    const { core, served, request, context } = call
    if (context.info.verb !== 'create') throw errors.methodNotSupported(served.resource, context.info.verb)
    const form = formOf(call)
    const object = decodeObject(served.resource, parseJsonBody(request, served.resource), context)
    applyDefaults(served.resource.struct, object)
    object.metadata.creationTimestamp = rfc3339(core.clock.now())
    // A question has no name; the checks of metadata want one.
    const named = {
      ...object,
      metadata: {
        ...object.metadata,
        name: 'review',
        ...(context.info.namespace ? { namespace: context.info.namespace } : {}),
      },
    }
    checkNew(served, named as AnyObject, context)
    object['status'] = await answer(object, call)
    return kindResponse(served.resource, object, { status: 201, form })
  }
}

function userInfo({ username, uid, groups, extra }: Identity): object {
  return { username, ...(uid ? { uid } : {}), groups, ...(extra && Object.keys(extra).length > 0 ? { extra } : {}) }
}

async function reviewToken(
  { tokens, authenticators }: ReviewOptions,
  { spec }: AnyObject & TokenReview,
  { request }: Call,
): Promise<object> {
  const audiences = spec.audiences?.length ? spec.audiences : tokens.defaultAudiences
  const asked = { ...request, headers: { authorization: `Bearer ${spec.token ?? ''}` } }
  try {
    const own = tokens.identify(spec.token ?? '', audiences)
    if (own)
      return {
        authenticated: true,
        user: userInfo(withAuthenticatedGroup(own)),
        audiences: audiences.filter((a) => tokens.defaultAudiences.includes(a) || spec.audiences?.includes(a)),
      }
    for (const authenticator of authenticators) {
      if (authenticator.name === 'x509') continue
      const identity = await authenticator.authenticate(asked)
      if (identity) return { authenticated: true, user: userInfo(withAuthenticatedGroup(identity)), audiences }
    }
  } catch (error) {
    if (!errors.isUnauthorized(error)) throw error
  }
  return { authenticated: false, user: {}, error: 'invalid bearer token' }
}

function askerOf(object: AnyObject): Identity {
  const {
    user = '',
    groups = [],
    uid,
    extra,
  } = (object as { spec?: { user?: string; groups?: string[]; uid?: string; extra?: Record<string, string[]> } })
    .spec ?? {}
  return { username: user, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) }
}

interface Question {
  resourceAttributes?: Partial<
    Record<'namespace' | 'verb' | 'group' | 'version' | 'resource' | 'subresource' | 'name', string>
  >
  nonResourceAttributes?: { path?: string; verb?: string }
}

function reviewAccess({ authorizers }: ReviewOptions, object: AnyObject, identity: Identity): object {
  const { resourceAttributes: r, nonResourceAttributes: n } = (object as { spec?: Question }).spec ?? {}
  const request: AuthorizationRequest = {
    identity,
    verb: r?.verb ?? n?.verb ?? '',
    group: r?.group ?? '',
    version: r?.version ?? '',
    resource: r?.resource ?? '',
    subresource: r?.subresource ?? '',
    namespace: r?.namespace ?? '',
    name: r?.name ?? '',
    ...(n ? { path: n.path ?? '' } : {}),
  }
  const { verdict, reason } = authorize(authorizers, request)
  return {
    allowed: verdict === 'allow',
    ...(verdict === 'deny' ? { denied: true } : {}),
    ...(reason ? { reason } : {}),
  }
}

function reviewRules(rbac: RbacSource, { spec }: AnyObject & SelfSubjectRulesReview, identity: Identity): object {
  const namespace = spec.namespace ?? ''
  if (namespace === '') throw errors.badRequest('no namespace on request')
  const rules = [...rulesFor(rbac, identity, namespace)].map((g) => g.rule)
  const resourceRules = rules
    .filter((r) => r.resources?.length)
    .map(({ verbs, apiGroups = [], resources = [], resourceNames }) => ({
      verbs,
      apiGroups,
      resources,
      ...(resourceNames?.length ? { resourceNames } : {}),
    }))
  const nonResourceRules = rules
    .filter((r) => r.nonResourceURLs?.length)
    .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs }))
  return { resourceRules, nonResourceRules, incomplete: false }
}
