// The OpenAPI documents of a set of kinds: version 3 per group version with an index of hashes, version 2 as one document in JSON and protobuf.

import { createHash } from 'node:crypto'
import type { JsonObject } from '../objects.ts'
import type { Resource, SubresourceFacts } from '../resource.ts'
import type { Struct } from '../schema.ts'
import { encodeSwagger } from './gnostic.ts'
import { PathBuilder } from './paths.ts'
import { type OpenApiVersion, SchemaBuilder } from './schemas.ts'

export interface OpenApiDocument {
  bytes: Buffer
  /** Changes with the content: the hash of the index and the ETag. */
  hash: string
}

export interface OpenApiOptions {
  resources: readonly Resource[]
  /** `v1.36.0` */
  version: string
  /** The message of a subresource's body by the kind it names; kinds that are not known are left out. */
  subresourceStructs?: (facts: SubresourceFacts) => Struct | undefined
}

/** Made for one set of kinds; make a new one when kinds come or go. Documents are built when they are first asked for. */
export class OpenApi {
  readonly #options: OpenApiOptions
  readonly #groups = new Map<string, Resource[]>()
  readonly #cache = new Map<string, OpenApiDocument>()

  constructor(options: OpenApiOptions) {
    this.#options = options
    for (const resource of options.resources) {
      const path = resource.group === '' ? `api/${resource.version}` : `apis/${resource.group}/${resource.version}`
      const list = this.#groups.get(path) ?? []
      this.#groups.set(path, list)
      list.push(resource)
    }
  }

  /** `/openapi/v3`: the group versions and where their documents are. */
  index(): OpenApiDocument {
    return this.#cached('index', () => {
      const paths: JsonObject = {}
      for (const path of [...this.#groups.keys()].sort()) {
        paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${this.groupVersion(path)?.hash ?? ''}` }
      }
      return { paths }
    })
  }

  /** `/openapi/v3/<path>`, as `api/v1` or `apis/apps/v1`; undefined when nothing of the kind is served. */
  groupVersion(path: string): OpenApiDocument | undefined {
    const resources = this.#groups.get(path)
    if (resources === undefined) return undefined
    return this.#cached(path, () => {
      const { schemas, paths } = this.#build(3, resources)
      const token = { type: 'apiKey', description: 'Bearer token', name: 'authorization', in: 'header' }
      return {
        openapi: '3.0.0',
        info: { title: 'Kubernetes', version: this.#options.version },
        paths,
        components: { schemas, securitySchemes: { BearerToken: token } },
        security: [{ BearerToken: [] }],
      }
    })
  }

  /** `/openapi/v2` in JSON. */
  swagger(): OpenApiDocument {
    return this.#cached('swagger', () => this.#swaggerTree())
  }

  /** `/openapi/v2` in the protobuf that kubectl asks for and cannot do without. */
  swaggerProtobuf(): OpenApiDocument {
    return this.#cached('swagger-protobuf', () => encodeSwagger(this.#swaggerTree()))
  }

  #swaggerTree(): JsonObject {
    const { schemas, paths } = this.#build(2, this.#options.resources)
    return {
      swagger: '2.0',
      info: { title: 'Kubernetes', version: this.#options.version },
      paths,
      definitions: schemas,
    }
  }

  #build(version: OpenApiVersion, resources: readonly Resource[]): { schemas: JsonObject; paths: JsonObject } {
    const schemas = new SchemaBuilder(version)
    const paths = new PathBuilder(version)
    const common = schemas.common(resources.map(({ group, version: v }) => ({ group, version: v })).filter(isFirst))
    for (const resource of resources) {
      paths.add(resource, { ...common, ...schemas.kind(resource) })
      for (const facts of subresources(resource)) {
        const struct = this.#options.subresourceStructs?.(facts)
        if (struct !== undefined) paths.addSubresource(resource, facts, schemas.struct(struct))
      }
    }
    const sorted = [...schemas.definitions].sort(([a], [b]) => (a < b ? -1 : 1))
    return { schemas: Object.fromEntries(sorted), paths: paths.paths }
  }

  #cached(key: string, make: () => JsonObject | Buffer): OpenApiDocument {
    let document = this.#cache.get(key)
    if (document === undefined) {
      const made = make()
      const bytes = Buffer.isBuffer(made) ? made : Buffer.from(JSON.stringify(made))
      document = { bytes, hash: createHash('sha256').update(bytes).digest('hex').toUpperCase() }
      this.#cache.set(key, document)
    }
    return document
  }
}

function isFirst<T extends { group: string; version: string }>(item: T, index: number, all: readonly T[]): boolean {
  return all.findIndex((other) => other.group === item.group && other.version === item.version) === index
}

function subresources(resource: Resource): readonly SubresourceFacts[] {
  const scale = resource.subresources?.scale
  const others = resource.subresources?.others ?? []
  if (scale === undefined) return others
  return [
    ...others,
    { name: 'scale', kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: ['get', 'update', 'patch'] },
  ]
}
