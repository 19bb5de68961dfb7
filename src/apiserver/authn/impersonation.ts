// Impersonation: an identity that may do so acts as another, named in the Impersonate-* headers.

import * as errors from '../../apimachinery/errors.ts'
import type { Identity } from '../../client/door.ts'
import { type AuthorizationRequest, type Authorizer, authorize } from '../authz/authorizer.ts'
import { withAuthenticatedGroup } from './authenticator.ts'

const SERVICE_ACCOUNT = 'system:serviceaccount:'

/** The identity a request acts as. Every part of an impersonation is authorised on its own, as upstream does. */
export function impersonated(
  own: Identity,
  headers: Readonly<Record<string, string | undefined>>,
  authorizers: readonly Authorizer[],
): Identity {
  if (!impersonates(headers)) return own
  const username = headers['impersonate-user']
  const groups = splitHeader(headers['impersonate-group'])
  const uid = headers['impersonate-uid']
  const extra = extraOf(headers)
  if (!username) {
    if (groups.length > 0 || uid || Object.keys(extra).length > 0) {
      throw errors.badRequest('requested impersonation without impersonating a user')
    }
    return own
  }
  checkUser(own, username, authorizers)
  for (const group of groups) check(own, { resource: 'groups', name: group }, authorizers)
  if (uid) check(own, { group: 'authentication.k8s.io', resource: 'uids', name: uid }, authorizers)
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values) {
      check(own, { group: 'authentication.k8s.io', resource: 'userextras', subresource: key, name: value }, authorizers)
    }
  }
  const all = groups.length === 0 ? serviceAccountGroups(username) : groups
  const identity: Identity = {
    username,
    groups: all,
    ...(uid ? { uid } : {}),
    ...(Object.keys(extra).length ? { extra } : {}),
  }
  return username === 'system:anonymous'
    ? { ...identity, groups: [...all, 'system:unauthenticated'] }
    : withAuthenticatedGroup(identity)
}

/** Hardly any request does: the others pay for one look at the names of their headers. */
function impersonates(headers: Readonly<Record<string, string | undefined>>): boolean {
  for (const name in headers) if (name.startsWith('impersonate-')) return true
  return false
}

function checkUser(own: Identity, username: string, authorizers: readonly Authorizer[]): void {
  if (!username.startsWith(SERVICE_ACCOUNT)) {
    check(own, { resource: 'users', name: username }, authorizers)
    return
  }
  const [namespace = '', name = ''] = username.slice(SERVICE_ACCOUNT.length).split(':')
  check(own, { resource: 'serviceaccounts', namespace, name }, authorizers)
}

function check(own: Identity, what: Partial<AuthorizationRequest>, authorizers: readonly Authorizer[]): void {
  const request: AuthorizationRequest = {
    identity: own,
    verb: 'impersonate',
    group: '',
    version: 'v1',
    resource: '',
    subresource: '',
    namespace: '',
    name: '',
    ...what,
  }
  const { verdict, reason } = authorize(authorizers, request)
  if (verdict !== 'allow') throw errors.forbiddenRequest({ ...request, user: own.username, reason })
}

function serviceAccountGroups(username: string): string[] {
  if (!username.startsWith(SERVICE_ACCOUNT)) return []
  const namespace = username.slice(SERVICE_ACCOUNT.length).split(':')[0] ?? ''
  return ['system:serviceaccounts', `system:serviceaccounts:${namespace}`]
}

/** Repeated headers arrive joined by commas. */
function splitHeader(value: string | undefined): string[] {
  return value
    ? value
        .split(',')
        .map((v) => v.trim())
        .filter((v) => v !== '')
    : []
}

const EXTRA = 'impersonate-extra-'

/** A key that is badly encoded is taken as it is, as upstream does. */
function extraKey(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return encoded
  }
}

function extraOf(headers: Readonly<Record<string, string | undefined>>): Record<string, string[]> {
  const extra: Record<string, string[]> = Object.create(null) as Record<string, string[]>
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(EXTRA)) extra[extraKey(name.slice(EXTRA.length))] = splitHeader(value)
  }
  return extra
}
