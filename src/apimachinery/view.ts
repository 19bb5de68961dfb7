// Another version of a kind, served as a view of the one that is stored: converted on the way in and on the way out, kept nowhere.

import type { AnyObject } from './metadata.ts'
import { metadataField } from './metadata.ts'
import type { Issue, Issues } from './issues.ts'
import { cloneJson } from './objects.ts'
import type { Column, DeepReadonly, Resource } from './resource.ts'
import { zeroIsAbsent } from './decode.ts'
import type { Field, Struct } from './schema.ts'
import { struct } from './schema.ts'

/** When a version was deprecated, and when upstream stopped to serve it: `1.16`. */
export interface Deprecation {
  since: string
  removed: string
  /** What to use instead, where that is not the stored version. */
  use?: string
}

/** What a kind's page declares of another version. Whatever it does not say is as in the stored version. */
export interface View {
  group?: string
  version: string
  shortNames?: readonly string[]
  /** Top-level fields that differ, by name; `null` for one that this version does not have. */
  fields?: Readonly<Record<string, Field | null>>
  deprecated?: Deprecation
  /** Paths usable in field selectors, where they are other ones; asked of the stored object. */
  selectable?: Readonly<Record<string, (stored: AnyObject) => string>>
  /** Checks of this version alone, on writes of the whole object; it sees objects of the stored version. */
  validate?(next: AnyObject, previous: AnyObject | undefined, issues: Issues): void
  /** How this version calls a field of the stored one, in what is found wrong with it. */
  fieldName?(path: string): string
  /** What the stored version refuses in writes and this one does not. */
  permits?(issue: Issue): boolean
  /** Fills in what this version defaults in another way; runs before `toHub`, and thus before the stored version's own defaults. Mutates. */
  defaults?(object: AnyObject): void
  /** Makes an object of this version one of the stored version. Both ways take partial objects too (server-side apply). Mutates. */
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
  readonly validate?: View['validate']
  readonly permits?: View['permits']
  readonly fieldName?: View['fieldName']
  /** Takes over `object`, which gets this version's defaults. */
  toHub(object: AnyObject): AnyObject
  /** The same without defaults: for a part of an object. */
  convert(part: AnyObject): AnyObject
  /** Fills in this version's defaults where the object is of the stored version already. Takes over `object`. */
  complete(object: AnyObject): AnyObject
  /** Leaves `object` alone. */
  fromHub(object: unknown): AnyObject
}

type Changes = Readonly<Record<string, Field | null>>

/** A message as another version has it, called `name` there: fields that differ are said, and `null` for one that it does not have. */
export function variantOf(message: Struct, name: string, changes: Changes): Struct<AnyObject> {
  return struct(name, variantFields(message, changes)) as unknown as Struct<AnyObject>
}

function variantFields(message: Struct, changes: Changes = {}): Record<string, Field> {
  const fields: Record<string, Field> = {}
  for (const [key, field] of Object.entries(message.fields)) {
    // Whether zero differs from absent is known of messages by their names: under another one it must be said.
    if (!Object.hasOwn(changes, key)) fields[key] = { ...field, nilable: !zeroIsAbsent(message, key, field) }
  }
  for (const [key, field] of Object.entries(changes)) if (field) fields[key] = field
  return fields
}

export function viewsOf(hub: Resource<AnyObject>): ReadyView[] {
  return (hub.views ?? []).map((view) => readyView(hub, view))
}

function readyView(hub: Resource<AnyObject>, view: View): ReadyView {
  const resource = resourceOf(hub, view)
  const convert = (object: AnyObject): AnyObject => {
    view.toHub?.(object)
    object.apiVersion = hub.apiVersion
    object.kind = hub.kind
    return object
  }
  const toHub = (object: AnyObject): AnyObject => {
    view.defaults?.(object)
    return convert(object)
  }
  const fromHub = (stored: unknown): AnyObject => {
    const object = cloneJson(stored) as AnyObject
    view.fromHub?.(object)
    object.apiVersion = resource.apiVersion
    object.kind = hub.kind
    return object
  }
  return {
    resource: view.toHub ? rowsByHub(resource, convert) : resource,
    hub,
    warning: view.deprecated && deprecationText(resource.apiVersion, hub, view.deprecated),
    ...(view.validate ? { validate: view.validate } : {}),
    ...(view.permits ? { permits: view.permits } : {}),
    ...(view.fieldName ? { fieldName: view.fieldName } : {}),
    toHub,
    convert,
    complete: (object) => (view.defaults ? toHub(fromHub(object)) : object),
    fromHub,
  }
}

function resourceOf(hub: Resource<AnyObject>, view: View): Resource<AnyObject> {
  const { group = hub.group, version } = view
  const { categories: _, shortNames: __, views: ___, defaults: ____, ...shared } = hub
  return {
    ...shared,
    group,
    version,
    apiVersion: group === '' ? version : `${group}/${version}`,
    groupResource: group === '' ? hub.plural : `${hub.plural}.${group}`,
    ...(view.shortNames ? { shortNames: view.shortNames } : {}),
    ...(view.selectable ? { selectable: view.selectable } : {}),
    struct: {
      ...struct(modelOf(hub, group, version), {
        ...variantFields(hub.struct as Struct, view.fields),
        metadata: metadataField,
      }),
      embedded: true,
    } as unknown as Resource<AnyObject>['struct'],
  }
}

/** The rows are made by the columns of the kind's page, which know the stored version alone. */
function rowsByHub(resource: Resource<AnyObject>, convert: (object: AnyObject) => AnyObject): Resource<AnyObject> {
  // All cells of a row look at one object.
  let last: { shown: DeepReadonly<AnyObject>; stored: AnyObject } | undefined
  const storedOf = (shown: AnyObject): AnyObject => {
    if (last?.shown !== shown) last = { shown, stored: convert(cloneJson(shown)) }
    return last.stored
  }
  const { columns, shownName } = resource
  const viewed = (column: Column<AnyObject>): Column<AnyObject> => ({
    ...column,
    cell: (shown, context) => column.cell(storedOf(shown), context),
  })
  return {
    ...resource,
    ...(columns ? { columns: columns.map(viewed) } : {}),
    ...(shownName ? { shownName: (shown) => shownName(storedOf(shown)) } : {}),
  }
}

/** Upstream's words (apiserver/pkg/endpoints/deprecation). */
function deprecationText(
  apiVersion: string,
  hub: Resource<AnyObject>,
  { since, removed, use = hub.apiVersion }: Deprecation,
): string {
  return `${apiVersion} ${hub.kind} is deprecated in v${since}+, unavailable in v${removed}+; use ${use} ${hub.kind}`
}

/** `io.k8s.api.apps.v1.Deployment` is `io.k8s.api.extensions.v1beta1.Deployment` there. */
function modelOf(hub: Resource<AnyObject>, group: string, version: string): string {
  const parts = hub.struct.name.split('.')
  parts.splice(-2, 1, version)
  if (group !== hub.group) parts.splice(-3, 1, group === '' ? 'core' : (group.split('.', 1)[0] ?? ''))
  return parts.join('.')
}
