// POST serviceaccounts/NAME/token: a token of the account, bound to what the request names.

import * as errors from '../../apimachinery/errors.ts'
import { rfc3339 } from '../../base/clock.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { Resource } from '../../apimachinery/resource.ts'
import { applyDefaults } from '../../apimachinery/defaults.ts'
import type { Pod } from '../../api/core/pod/pod.ts'
import { type TokenRequest, tokenRequests } from '../../api/authentication/token-request.ts'
import type { BoundObject, TokenIssuer } from '../authn/service-account-tokens.ts'
import { parseJsonBody } from '../request-body.ts'
import { decodeObject } from '../registry/body.ts'
import type { Registry } from '../registry/registry.ts'
import { mustGet } from '../registry/served.ts'
import { checkNew } from '../registry/validation.ts'
import { kindResponse } from '../responses.ts'
import { type Call, formOf, keyOfRequest } from '../rest.ts'
import type { SubresourceHandler } from '../server.ts'

/** A longer life than this is cut (upstream: 2^32 seconds). */
const MAX_SECONDS = 2 ** 32

export function token(issuer: TokenIssuer, registry: Registry): SubresourceHandler {
  return async (call: Call) => {
    const { core, served, request, context } = call
    if (context.info.verb !== 'create') throw errors.methodNotSupported(served.resource, context.info.verb)
    const account = mustGet(served, keyOfRequest(call)).object
    const erased = tokenRequests as unknown as Resource<AnyObject>
    const asked = decodeObject(erased, parseJsonBody(request, tokenRequests), context) as AnyObject & TokenRequest
    applyDefaults(erased.struct, asked)
    const { name, namespace = '', uid = '' } = account.metadata
    asked.metadata.name = name
    asked.metadata.namespace = namespace
    checkNew({ resource: erased }, asked, context)
    const seconds = Math.min(asked.spec?.expirationSeconds ?? 3600, MAX_SECONDS)
    const audiences = asked.spec?.audiences ?? []
    const bound = boundObject(registry, namespace, name, asked)
    const node = bound?.kind === 'Pod' ? nodeOf(registry, namespace, bound.name) : undefined
    const issued = issuer.issue({
      namespace,
      name,
      uid,
      audiences,
      expirationSeconds: seconds,
      ...(bound ? { bound } : {}),
      ...(node ? { node } : {}),
    })
    const answer = {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name, namespace, creationTimestamp: rfc3339(core.clock.now()) },
      spec: {
        ...asked.spec,
        audiences: audiences.length > 0 ? audiences : issuer.defaultAudiences,
        expirationSeconds: seconds,
      },
      status: { token: issued.token, expirationTimestamp: rfc3339(issued.expiresAtMs) },
    }
    return kindResponse(tokenRequests, answer, { status: 201, form: formOf(call, tokenRequests) })
  }
}

/** What the token shall not outlive; it must be there, be the one meant, and for a pod run as the account. */
function boundObject(
  registry: Registry,
  namespace: string,
  account: string,
  { spec }: TokenRequest,
): BoundObject | undefined {
  const reference = spec?.boundObjectRef
  if (!reference) return undefined
  const { kind = '', name = '' } = reference
  if (kind !== 'Pod' && kind !== 'Secret')
    throw errors.badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(account)} to object of type ${reference.apiVersion ?? ''}, Kind=${kind}`,
    )
  const served = registry.get('', 'v1', kind === 'Pod' ? 'pods' : 'secrets')
  if (!served) throw errors.internalError(`${kind} is not served`)
  const object = mustGet(served, { namespace, name }).object
  const uid = object.metadata.uid ?? ''
  if (reference.uid && reference.uid !== uid) {
    throw errors.conflict(
      served.resource,
      name,
      `the UID in the bound object reference (${reference.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    )
  }
  if (kind === 'Pod' && (object as unknown as Pod).spec.serviceAccountName !== account) {
    throw errors.badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`,
    )
  }
  return { kind, name, uid }
}

function nodeOf(registry: Registry, namespace: string, pod: string): { name: string; uid: string } | undefined {
  const podCache = registry.get('', 'v1', 'pods')?.cache
  const nodeName = (podCache?.get(`${podCache.prefix}${namespace}/${pod}`)?.object as unknown as Pod | undefined)?.spec
    .nodeName
  const nodeCache = registry.get('', 'v1', 'nodes')?.cache
  const uid = nodeName && nodeCache?.get(nodeCache.prefix + nodeName)?.object.metadata.uid
  return nodeName && uid ? { name: nodeName, uid } : undefined
}
