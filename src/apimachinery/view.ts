// Another version of a kind, served as a view of the one that is stored: converted on the way in and on the way out, kept nowhere.

import type { AnyObject } from './metadata.ts'
import { metadataField } from './metadata.ts'
import { cloneJson } from './objects.ts'
import type { Resource } from './resource.ts'
import type { Field } from './schema.ts'
import { struct } from './schema.ts'

/** When a version was deprecated, and when upstream stopped to serve it: `1.16`. */
export interface Deprecation {
  since: string
  removed: string
}

/** What a kind's page declares of another version. Whatever it does not say is as in the stored version. */
export interface View {
  group?: string
  version: string
  shortNames?: readonly string[]
  /** Top-level fields that differ, by name; `null` for one that this version does not have. */
  fields?: Readonly<Record<string, Field | null>>
  deprecated?: Deprecation
  /** Fills in what this version defaults in another way; runs before `toHub`, and thus before the stored version's own defaults. Mutates. */
  defaults?(object: AnyObject): void
  /** Makes an object of this version one of the stored version. Gets partial objects too (server-side apply). Mutates. */
  toHub?(object: AnyObject): void
  /** The way back. Mutates its own copy. */
  fromHub?(object: AnyObject): void
}

/** A view, ready to serve. */
export interface ReadyView {
  /** The kind as this version shows it. */
  readonly resource: Resource<AnyObject>
  /** The stored version. */
  readonly hub: Resource<AnyObject>
  /** Said to whoever uses this version. */
  readonly warning: string | undefined
  /** Takes over `object`. */
  toHub(object: AnyObject): AnyObject
  /** Leaves `object` alone. */
  fromHub(object: unknown): AnyObject
}

export function viewsOf(hub: Resource<AnyObject>): ReadyView[] {
  return (hub.views ?? []).map((view) => readyView(hub, view))
}

function readyView(hub: Resource<AnyObject>, view: View): ReadyView {
  const { group = hub.group, version } = view
  const fields: Record<string, Field> = {}
  for (const [name, field] of Object.entries({ ...hub.struct.fields, ...view.fields })) if (field) fields[name] = field
  const apiVersion = group === '' ? version : `${group}/${version}`
  const { categories: _, shortNames: __, views: ___, defaults: ____, ...shared } = hub
  const resource: Resource<AnyObject> = {
    ...shared,
    group,
    version,
    apiVersion,
    groupResource: group === '' ? hub.plural : `${hub.plural}.${group}`,
    ...(view.shortNames ? { shortNames: view.shortNames } : {}),
    struct: struct(modelOf(hub, group, version), {
      ...fields,
      metadata: metadataField,
    }) as unknown as Resource<AnyObject>['struct'],
  }
  return {
    resource,
    hub,
    warning: view.deprecated && deprecationText(apiVersion, hub, view.deprecated),
    toHub(object) {
      view.defaults?.(object)
      view.toHub?.(object)
      object.apiVersion = hub.apiVersion
      object.kind = hub.kind
      return object
    },
    fromHub(stored) {
      const object = cloneJson(stored) as AnyObject
      view.fromHub?.(object)
      object.apiVersion = apiVersion
      object.kind = hub.kind
      return object
    },
  }
}

/** Upstream's words (apiserver/pkg/endpoints/deprecation). */
function deprecationText(apiVersion: string, { apiVersion: use, kind }: Resource<AnyObject>, at: Deprecation): string {
  return `${apiVersion} ${kind} is deprecated in v${at.since}+, unavailable in v${at.removed}+; use ${use} ${kind}`
}

/** `io.k8s.api.apps.v1.Deployment` is `io.k8s.api.extensions.v1beta1.Deployment` there. */
function modelOf(hub: Resource<AnyObject>, group: string, version: string): string {
  const parts = hub.struct.name.split('.')
  parts.splice(-2, 1, version)
  if (group !== hub.group) parts.splice(-3, 1, group === '' ? 'core' : (group.split('.', 1)[0] ?? ''))
  return parts.join('.')
}
