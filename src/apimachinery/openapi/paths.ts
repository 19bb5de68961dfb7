// OpenAPI paths: the operations of every kind, with the action and the kind that clients look them up by.

import type { JsonObject } from '../objects.ts'
import type { Resource, SubresourceFacts } from '../resource.ts'
import { ALL_VERBS } from '../resource.ts'
import type { OpenApiVersion } from './schemas.ts'

export interface PathSchemas {
  object: JsonObject
  list: JsonObject
  status: JsonObject
  deleteOptions: JsonObject
}

const JSON_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
]

interface Parameter {
  name: string
  type: 'string' | 'boolean' | 'integer'
  description: string
}
const parameter = (name: string, description: string, type: Parameter['type'] = 'string'): Parameter => ({
  name,
  type,
  description,
})

const PRETTY = parameter('pretty', 'Prints the output indented.')
const DRY_RUN = parameter('dryRun', 'Checks the request and answers it without storing anything: All.')
const FIELD_MANAGER = parameter('fieldManager', 'The name under which the changed fields are managed.')
const FIELD_VALIDATION = parameter(
  'fieldValidation',
  'What happens to unknown or duplicate fields: Ignore, Warn or Strict.',
)
const FORCE = parameter('force', 'Takes over fields that others manage; for apply only.', 'boolean')
const WRITE = [DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION]
const DELETE = [
  DRY_RUN,
  parameter('gracePeriodSeconds', 'How long the object has to end.', 'integer'),
  parameter('orphanDependents', 'Deprecated: use propagationPolicy.', 'boolean'),
  parameter('propagationPolicy', 'What becomes of dependents: Orphan, Background or Foreground.'),
]
const LIST = [
  parameter('allowWatchBookmarks', 'Sends bookmarks during a watch.', 'boolean'),
  parameter('continue', 'Where the previous page ended.'),
  parameter('fieldSelector', 'Selects by fields.'),
  parameter('labelSelector', 'Selects by labels.'),
  parameter('limit', 'The most items of one page.', 'integer'),
  parameter('resourceVersion', 'How fresh the answer must be.'),
  parameter('resourceVersionMatch', 'How resourceVersion is meant.'),
  parameter('sendInitialEvents', 'Begins a watch with the objects that exist.', 'boolean'),
  parameter('timeoutSeconds', 'How long the request may take.', 'integer'),
  parameter('watch', 'Streams changes instead of a list.', 'boolean'),
]

interface OperationFacts {
  action: string
  id: string
  response: JsonObject
  parameters: readonly Parameter[]
  body?: JsonObject
  bodyTypes?: readonly string[]
  codes?: readonly number[]
}

/** Makes the path items of kinds in one version of OpenAPI. */
export class PathBuilder {
  readonly paths: JsonObject = {}
  readonly #version: OpenApiVersion

  constructor(version: OpenApiVersion) {
    this.#version = version
  }

  add(resource: Resource, schemas: PathSchemas): void {
    const { group, version, plural } = resource
    const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
    const namespaced = resource.scope === 'Namespaced'
    const collection = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`
    this.#addCollection(resource, collection, schemas)
    if (namespaced && has(resource, 'list')) {
      this.#put(`${root}/${plural}`, resource, { get: listFacts(resource, schemas, 'ForAllNamespaces') })
    }
    this.#addItem(resource, `${collection}/{name}`, schemas)
  }

  #addCollection(resource: Resource, path: string, { object, list, status, deleteOptions }: PathSchemas): void {
    const operations: Record<string, OperationFacts> = {}
    if (has(resource, 'list')) operations['get'] = listFacts(resource, { list }, '')
    if (has(resource, 'create')) {
      operations['post'] = {
        action: 'post',
        id: 'create',
        response: object,
        parameters: WRITE,
        body: object,
        codes: [200, 201, 202],
      }
    }
    if (has(resource, 'deletecollection')) {
      const parameters = [...DELETE, ...LIST]
      operations['delete'] = {
        action: 'deletecollection',
        id: 'deleteCollection',
        response: status,
        parameters,
        body: deleteOptions,
      }
    }
    this.#put(path, resource, operations)
  }

  #addItem(resource: Resource, path: string, { object, status, deleteOptions }: PathSchemas): void {
    const operations = itemFacts(resource, object, '')
    if (has(resource, 'delete')) {
      const response = resource.returnsDeleted === true ? object : status
      operations['delete'] = {
        action: 'delete',
        id: 'delete',
        response,
        parameters: DELETE,
        body: deleteOptions,
        codes: [200, 202],
      }
    }
    this.#put(path, resource, operations)
    if (resource.subresources?.status === true)
      this.#put(`${path}/status`, resource, itemFacts(resource, object, 'Status'))
  }

  /** A subresource with a body of its own kind: scale, eviction, token … */
  addSubresource(resource: Resource, facts: SubresourceFacts, schema: JsonObject): void {
    const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`
    const scope = resource.scope === 'Namespaced' ? '/namespaces/{namespace}' : ''
    const operations: Record<string, OperationFacts> = {}
    const id = facts.name[0]?.toUpperCase() + facts.name.slice(1)
    for (const verb of facts.verbs) {
      if (verb === 'get') operations['get'] = { action: 'get', id: `read${id}`, response: schema, parameters: [] }
      else if (verb === 'create')
        operations['post'] = { action: 'post', id: `create${id}`, response: schema, parameters: WRITE, body: schema }
      else if (verb === 'update')
        operations['put'] = { action: 'put', id: `replace${id}`, response: schema, parameters: WRITE, body: schema }
      else if (verb === 'patch') operations['patch'] = patchFacts(schema, id)
    }
    const kind = { group: facts.group ?? resource.group, version: facts.version ?? resource.version, kind: facts.kind }
    this.#put(`${root}${scope}/${resource.plural}/{name}/${facts.name}`, resource, operations, kind)
  }

  #put(path: string, resource: Resource, operations: Record<string, OperationFacts>, gvk?: JsonObject): void {
    if (Object.keys(operations).length === 0) return
    const { group, version, kind } = resource
    const item: JsonObject = { parameters: [...pathParameters(path), PRETTY].map((p) => this.#parameter(p, path)) }
    for (const [method, facts] of Object.entries(operations)) {
      item[method] = {
        ...this.#operation(facts, resource, path),
        'x-kubernetes-action': facts.action,
        'x-kubernetes-group-version-kind': gvk ?? { group, version, kind },
      }
    }
    this.paths[path] = item
  }

  #parameter({ name, type, description }: Parameter, path: string): JsonObject {
    const inside = path.includes(`{${name}}`)
    const place = { name, in: inside ? 'path' : 'query', description, ...(inside ? { required: true } : {}) }
    return this.#version === 3
      ? { ...place, schema: { type, uniqueItems: true } }
      : { ...place, type, uniqueItems: true }
  }

  #operation(facts: OperationFacts, resource: Resource, path: string): JsonObject {
    const { body, codes = [200] } = facts
    const parameters = facts.parameters.map((p) => this.#parameter(p, path))
    const types = facts.bodyTypes ?? ['*/*']
    const groupName = resource.group === '' ? 'Core' : (resource.group.split('.')[0] ?? '')
    const scoped = path.includes('{namespace}') ? 'Namespaced' : ''
    const operationId = `${facts.id}${camel(groupName)}${camel(resource.version)}${scoped}${resource.kind}`
    const base = {
      description: `${facts.action} ${resource.kind}`,
      operationId: operationId.replace(/[^A-Za-z0-9]/g, ''),
    }
    if (this.#version === 2) {
      if (body !== undefined)
        parameters.unshift({ name: 'body', in: 'body', required: facts.action !== 'delete', schema: body })
      const responses = Object.fromEntries(codes.map((code) => [code, { description: 'OK', schema: facts.response }]))
      return { ...base, consumes: types, produces: JSON_TYPES, schemes: ['https'], parameters, responses }
    }
    const content = (media: readonly string[], schema: JsonObject): JsonObject =>
      Object.fromEntries(media.map((type) => [type, { schema }]))
    return {
      ...base,
      parameters,
      ...(body === undefined ? {} : { requestBody: { content: content(types, body) } }),
      responses: Object.fromEntries(
        codes.map((code) => [code, { description: 'OK', content: content(JSON_TYPES, facts.response) }]),
      ),
    }
  }
}

const camel = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

function has(resource: Resource, verb: (typeof ALL_VERBS)[number]): boolean {
  return (resource.verbs ?? ALL_VERBS).includes(verb)
}

function pathParameters(path: string): Parameter[] {
  const all: Parameter[] = []
  if (path.includes('{namespace}')) all.push(parameter('namespace', 'The namespace of the object.'))
  if (path.includes('{name}')) all.push(parameter('name', 'The name of the object.'))
  return all
}

function listFacts(_resource: Resource, { list }: { list: JsonObject }, suffix: string): OperationFacts {
  return { action: 'list', id: `list${suffix}`, response: list, parameters: LIST }
}

function patchFacts(schema: JsonObject, suffix: string): OperationFacts {
  const body = { type: 'object' }
  const parameters = [...WRITE, FORCE]
  return {
    action: 'patch',
    id: `patch${suffix}`,
    response: schema,
    parameters,
    body,
    bodyTypes: PATCH_TYPES,
    codes: [200, 201],
  }
}

function itemFacts(resource: Resource, object: JsonObject, suffix: string): Record<string, OperationFacts> {
  const operations: Record<string, OperationFacts> = {}
  if (has(resource, 'get')) operations['get'] = { action: 'get', id: `read${suffix}`, response: object, parameters: [] }
  if (has(resource, 'update')) {
    operations['put'] = {
      action: 'put',
      id: `replace${suffix}`,
      response: object,
      parameters: WRITE,
      body: object,
      codes: [200, 201],
    }
  }
  if (has(resource, 'patch')) operations['patch'] = patchFacts(object, suffix)
  return operations
}
