// `/openapi/v2` and `/openapi/v3`: documents made from the served kinds, each made anew only when its own kinds have changed.

import type { Resource } from '../../apimachinery/resource.ts'
import { type OpenApiDocument, OpenApi, type OpenApiOptions } from '../../apimachinery/openapi/documents.ts'
import { encodeSwagger } from '../../apimachinery/openapi/gnostic.ts'
import { type JsonObject, setOwn } from '../../apimachinery/objects.ts'
import { createHash } from 'node:crypto'
import { kindOf } from '../../api/all.ts'
import type { RemoteOpenApi } from '../aggregation/remote-documents.ts'
import type { Group } from './groups.ts'
import { KUBERNETES_VERSION } from './version.ts'

interface GroupDocuments {
  resources: readonly unknown[]
  openapi: OpenApi
}

export class OpenApiDocuments {
  readonly #byPath = new Map<string, GroupDocuments>()
  readonly #remote = new Map<string, RemoteOpenApi>()
  #all: OpenApi | undefined
  #merged: { json: OpenApiDocument; protobuf: OpenApiDocument } | undefined
  #index: OpenApiDocument | undefined

  /** From here on the documents are about these groups. */
  update(groups: readonly Group[]): void {
    const gone = new Set(this.#byPath.keys())
    this.#remote.clear()
    for (const group of groups) {
      for (const { version, resources: served, remote } of group.versions) {
        const path = group.name === '' ? `api/${version}` : `apis/${group.name}/${version}`
        if (remote) {
          this.#remote.set(path, remote.openapi)
          continue
        }
        const resources = served.map((s) => s.shown)
        gone.delete(path)
        const known = this.#byPath.get(path)?.resources
        if (known?.length === resources.length && known.every((r, i) => r === resources[i])) continue
        this.#byPath.set(path, { resources, openapi: openapiOf(resources) })
      }
    }
    for (const path of gone) this.#byPath.delete(path)
    this.#all = undefined
    this.#merged = undefined
    this.#index = undefined
  }

  /** `/openapi/v3`. */
  index(): OpenApiDocument {
    this.#index ??= this.#makeIndex()
    return this.#index
  }

  /** `/openapi/v3/<path>`. */
  groupVersion(path: string): OpenApiDocument | undefined {
    return this.#byPath.get(path)?.openapi.groupVersion(path)
  }

  /** `/openapi/v2`. */
  swagger(protobuf: boolean): OpenApiDocument {
    this.#all ??= openapiOf([...this.#byPath.values()].flatMap((g) => g.resources))
    if (this.#remote.size > 0) {
      this.#merged ??= merged(this.#all, [...this.#remote.values()])
      return protobuf ? this.#merged.protobuf : this.#merged.json
    }
    return protobuf ? this.#all.swaggerProtobuf() : this.#all.swagger()
  }

  #makeIndex(): OpenApiDocument {
    const paths: Record<string, { serverRelativeURL: string }> = {}
    for (const path of [...this.#byPath.keys()].sort()) {
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${this.groupVersion(path)?.hash ?? ''}` }
    }
    // Who serves a group version answers for its document.
    for (const [path, { hash }] of this.#remote) {
      if (hash !== undefined) paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }
    }
    return documentOf(Buffer.from(JSON.stringify({ paths })))
  }
}

function documentOf(bytes: Buffer): OpenApiDocument {
  return { bytes, hash: createHash('sha256').update(bytes).digest('hex').toUpperCase() }
}

/** A definition of ours stays ours: backends bring their own copies of what all share. */
function merged(own: OpenApi, remote: readonly RemoteOpenApi[]): { json: OpenApiDocument; protobuf: OpenApiDocument } {
  const tree = JSON.parse(own.swagger().bytes.toString()) as { paths: JsonObject; definitions: JsonObject }
  for (const { swagger } of remote) {
    if (!swagger) continue
    for (const part of ['paths', 'definitions'] as const) {
      for (const [name, value] of Object.entries(swagger[part])) {
        if (!Object.hasOwn(tree[part], name)) setOwn(tree[part], name, value)
      }
    }
  }
  return { json: documentOf(Buffer.from(JSON.stringify(tree))), protobuf: documentOf(encodeSwagger(tree as never)) }
}

function openapiOf(resources: readonly unknown[]): OpenApi {
  const options: OpenApiOptions = {
    // Kinds are only read here: what their hooks take does not matter.
    resources: resources as readonly Resource[],
    version: KUBERNETES_VERSION,
    subresourceStructs: ({ group = '', version = 'v1', kind }) => kindOf(group, version, kind)?.struct,
  }
  return new OpenApi(options)
}
