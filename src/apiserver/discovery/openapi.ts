// `/openapi/v2` and `/openapi/v3`: documents made from the served kinds, each made anew only when its own kinds have changed.

import type { Resource } from '../../apimachinery/resource.ts'
import { type OpenApiDocument, OpenApi, type OpenApiOptions } from '../../apimachinery/openapi/documents.ts'
import { createHash } from 'node:crypto'
import { kindOf } from '../../api/all.ts'
import type { Group } from './groups.ts'
import { KUBERNETES_VERSION } from './version.ts'

interface GroupDocuments {
  resources: readonly unknown[]
  openapi: OpenApi
}

export class OpenApiDocuments {
  readonly #byPath = new Map<string, GroupDocuments>()
  #all: OpenApi | undefined
  #index: OpenApiDocument | undefined

  /** From here on the documents are about these groups. */
  update(groups: readonly Group[]): void {
    const gone = new Set(this.#byPath.keys())
    for (const group of groups) {
      for (const { version, resources: served } of group.versions) {
        const path = group.name === '' ? `api/${version}` : `apis/${group.name}/${version}`
        const resources = served.map((s) => s.shown)
        gone.delete(path)
        const known = this.#byPath.get(path)?.resources
        if (known?.length === resources.length && known.every((r, i) => r === resources[i])) continue
        this.#byPath.set(path, { resources, openapi: openapiOf(resources) })
      }
    }
    for (const path of gone) this.#byPath.delete(path)
    this.#all = undefined
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
    return protobuf ? this.#all.swaggerProtobuf() : this.#all.swagger()
  }

  #makeIndex(): OpenApiDocument {
    const paths: Record<string, { serverRelativeURL: string }> = {}
    for (const path of [...this.#byPath.keys()].sort()) {
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${this.groupVersion(path)?.hash ?? ''}` }
    }
    const bytes = Buffer.from(JSON.stringify({ paths }))
    return { bytes, hash: createHash('sha256').update(bytes).digest('hex').toUpperCase() }
  }
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
