// The authorizer: `authorizer.group('apps').resource('deployments').namespace('a').check('create').allowed()`. Who decides is the caller's to say.

import { checkLabel, checkSubdomain } from '../../names.ts'
import { type Functions, method, own, string } from '../declarations.ts'
import { BOOL, STRING, structType } from '../types.ts'
import { Failed, OpaqueValue, type Value } from '../values.ts'

export const AUTHORIZER = structType('kubernetes.authorization.Authorizer')
const PATH_CHECK = structType('kubernetes.authorization.PathCheck')
const GROUP_CHECK = structType('kubernetes.authorization.GroupCheck')
const RESOURCE_CHECK = structType('kubernetes.authorization.ResourceCheck')
const DECISION = structType('kubernetes.authorization.Decision')

export interface ResourceQuestion {
  verb: string
  group: string
  resource: string
  subresource: string
  namespace: string
  name: string
  fieldSelector?: string
  labelSelector?: string
}

/** What is asked: about a path, or about a resource. */
export type Question = { verb: string; path: string } | ResourceQuestion

export interface Verdict {
  allowed: boolean
  reason: string
  error?: string
}

/** Decides for a user, or, when a service account is given, for that. */
export type Decide = (question: Question, serviceAccount?: { namespace: string; name: string }) => Verdict

/** Only ever the receiver of a call: equal to itself alone. */
abstract class Receiver extends OpaqueValue {
  equals(other: OpaqueValue): boolean {
    return this === other
  }
}

export class AuthorizerValue extends Receiver {
  readonly typeName = AUTHORIZER.name
  readonly decide: (question: Question) => Verdict
  readonly #all: Decide
  constructor(decide: Decide, serviceAccount?: { namespace: string; name: string }) {
    super()
    this.#all = decide
    this.decide = (question) => decide(question, serviceAccount)
  }
  as(namespace: string, name: string): AuthorizerValue {
    return new AuthorizerValue(this.#all, { namespace, name })
  }
}

class PathCheck extends Receiver {
  readonly typeName = PATH_CHECK.name
  readonly authorizer: AuthorizerValue
  readonly path: string
  constructor(authorizer: AuthorizerValue, path: string) {
    super()
    this.authorizer = authorizer
    this.path = path
  }
}

class GroupCheck extends Receiver {
  readonly typeName = GROUP_CHECK.name
  readonly authorizer: AuthorizerValue
  readonly group: string
  constructor(authorizer: AuthorizerValue, group: string) {
    super()
    this.authorizer = authorizer
    this.group = group
  }
}

class ResourceCheck extends Receiver {
  readonly typeName = RESOURCE_CHECK.name
  readonly authorizer: AuthorizerValue
  readonly question: ResourceQuestion
  constructor(authorizer: AuthorizerValue, question: ResourceQuestion) {
    super()
    this.authorizer = authorizer
    this.question = question
  }
  with(change: Partial<ResourceQuestion>): ResourceCheck {
    return new ResourceCheck(this.authorizer, { ...this.question, ...change })
  }
}

class Decision extends Receiver {
  readonly typeName = DECISION.name
  readonly verdict: Verdict
  constructor(verdict: Verdict) {
    super()
    this.verdict = verdict
  }
}

const authorizer = own<AuthorizerValue>(AUTHORIZER)
const pathCheck = own<PathCheck>(PATH_CHECK)
const groupCheck = own<GroupCheck>(GROUP_CHECK)
const resourceCheck = own<ResourceCheck>(RESOURCE_CHECK)
const decision = own<Decision>(DECISION)

function serviceAccount(of: AuthorizerValue, namespace: string, name: string): Value {
  if (checkSubdomain(name).length > 0) return new Failed('Invalid service account name')
  if (checkLabel(namespace).length > 0) return new Failed('Invalid service account namespace')
  return of.as(namespace, name)
}

function resource({ authorizer: of, group }: GroupCheck, name: string): Value {
  if (name === '') return new Failed('resource must not be empty')
  return new ResourceCheck(of, { verb: '', group, resource: name, subresource: '', namespace: '', name: '' })
}

export const authorization: Functions = {
  path: [
    method('authorizer_path', [authorizer, string], PATH_CHECK, (of, path) =>
      path === '' ? new Failed('path must not be empty') : new PathCheck(of, path),
    ),
  ],
  group: [method('authorizer_group', [authorizer, string], GROUP_CHECK, (of, group) => new GroupCheck(of, group))],
  serviceAccount: [method('authorizer_serviceaccount', [authorizer, string, string], AUTHORIZER, serviceAccount)],
  resource: [method('groupcheck_resource', [groupCheck, string], RESOURCE_CHECK, resource)],
  subresource: [
    method('resourcecheck_subresource', [resourceCheck, string], RESOURCE_CHECK, (of, subresource) =>
      of.with({ subresource }),
    ),
  ],
  namespace: [
    method('resourcecheck_namespace', [resourceCheck, string], RESOURCE_CHECK, (of, namespace) =>
      of.with({ namespace }),
    ),
  ],
  name: [method('resourcecheck_name', [resourceCheck, string], RESOURCE_CHECK, (of, name) => of.with({ name }))],
  fieldSelector: [
    method('authorizer_fieldselector', [resourceCheck, string], RESOURCE_CHECK, (of, fieldSelector) =>
      of.with({ fieldSelector }),
    ),
  ],
  labelSelector: [
    method('authorizer_labelselector', [resourceCheck, string], RESOURCE_CHECK, (of, labelSelector) =>
      of.with({ labelSelector }),
    ),
  ],
  check: [
    method(
      'pathcheck_check',
      [pathCheck, string],
      DECISION,
      ({ authorizer: of, path }, verb) => new Decision(of.decide({ verb, path })),
    ),
    method(
      'resourcecheck_check',
      [resourceCheck, string],
      DECISION,
      ({ authorizer: of, question }, verb) => new Decision(of.decide({ ...question, verb })),
    ),
  ],
  allowed: [method('decision_allowed', [decision], BOOL, ({ verdict }) => verdict.allowed)],
  reason: [method('decision_reason', [decision], STRING, ({ verdict }) => verdict.reason)],
  errored: [method('decision_errored', [decision], BOOL, ({ verdict }) => verdict.error !== undefined)],
  error: [method('decision_error', [decision], STRING, ({ verdict }) => verdict.error ?? '')],
}
