// What a kind's page declares: names, scope, fields, and only the exceptions to how every kind behaves.

import type { Issues } from './issues.ts'
import type { ObjectMeta } from './metadata.ts'
import { metadataField } from './metadata.ts'
import type { Field, FieldsOf, Struct } from './schema.ts'
import { struct } from './schema.ts'
import type { View } from './view.ts'

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection'
export const ALL_VERBS: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
]

/** The paths of the scale subresource, as a CRD writes them: `.spec.replicas`. */
export interface ScalePaths {
  spec: string
  status: string
  /** Path of a serialized label selector, or of a LabelSelector or a map of labels. */
  selector?: string
}

/** What a row of `kubectl get` is made from. `now` is for ages. */
export interface ColumnContext {
  nowMs: number
}
export interface Column<T> {
  name: string
  /** OpenAPI type of the cell; `string` unless said. */
  type?: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  format?: string
  description?: string
  /** 0 is always shown, 1 only with `-o wide`. */
  priority?: number
  cell(object: T, context: ColumnContext): string | number | boolean | null
}

export interface ResourceOptions<T> {
  /** `''` for the core group. */
  group: string
  version: string
  kind: string
  plural: string
  singular?: string
  listKind?: string
  shortNames?: readonly string[]
  categories?: readonly string[]
  scope: 'Namespaced' | 'Cluster'
  /** The verbs that the kind has; all of them unless said. The review kinds have only `create`. */
  verbs?: readonly Verb[]
  subresources?: {
    status?: boolean
    scale?: ScalePaths
    /** Other subresources served by `apiserver/subresources/`: name, the kind of its body, its verbs. */
    others?: readonly SubresourceFacts[]
  }
  /** Names must satisfy this; `dns-subdomain` unless said. `path-segment` is the laxest (RBAC names). */
  names?: 'dns-subdomain' | 'dns-label' | 'dns-label-1035' | 'path-segment'
  /** PUT without resourceVersion is accepted. True unless said (upstream AllowUnconditionalUpdate). */
  unconditionalUpdate?: boolean
  /** PUT to an absent name creates it. False unless said (upstream AllowCreateOnUpdate). */
  createOnUpdate?: boolean
  /** `metadata.generation` counts changes of spec. True where the kind has a `spec` unless said. */
  generation?: boolean
  /** Default for DELETE without gracePeriodSeconds; 0 unless the kind is deleted gracefully (pods). */
  gracePeriodSeconds?(object: T): number
  /** On deletion: what the kind sets besides the deletion's time (a namespace becomes Terminating). Mutates. */
  prepareDelete?(object: T): void
  /** Reasons of the kind's own why a marked object is not gone yet (a namespace's spec.finalizers). */
  holdsDeletion?(object: T): boolean
  /** DELETE answers the object instead of a Status (upstream ReturnDeletedObject: pods, service accounts …). */
  returnsDeleted?: boolean
  /** What happens to dependents when the client does not say (upstream DefaultGarbageCollectionPolicy). `background` unless said. */
  defaultPropagation?: 'Background' | 'Orphan'
  /** Paths usable in field selectors, beyond metadata.name and metadata.namespace. */
  selectable?: Readonly<Record<string, (object: T) => string>>
  /** Fills in what field defaults and struct rules cannot; runs last. Mutates. */
  defaults?(object: T): void
  /** Resets what a client may not set on creation (status, server-owned fields). The norm: status is dropped when the kind has a status subresource. */
  prepareCreate?(object: T): void
  /** On main-path updates: carries over what a client may not change. The norm: status is carried over. */
  prepareUpdate?(next: T, previous: T): void
  /** On /status updates: the norm: all but status (and managed metadata) is carried over. */
  prepareStatusUpdate?(next: T, previous: T): void
  /** On updates `previous` is what is there: what it was forgiven, its successor may be. */
  validate?(object: T, issues: Issues, previous?: T): void
  /** Looks at the whole object on every write, of its status too: a CRD's schema and rules. `warnings` are for the client. */
  validateWhole?(next: T, previous: T | undefined, issues: Issues, warnings: string[]): void
  validateUpdate?(next: T, previous: T, issues: Issues): void
  /** On /status: what the fields cannot say. */
  validateStatusUpdate?(next: T, previous: T, issues: Issues): void
  /** What every request for it is warned of, in the words of upstream: a kind that went out of use. */
  deprecation?: string
  /** Texts for the Warning header of a write. */
  warnings?(object: T, previous?: T): string[]
  /** The cell below NAME, where it says more than the name. */
  shownName?(object: T): string
  /** Columns after NAME (and NAMESPACE); Age is appended when `age` is not false. */
  columns?: readonly Column<T>[]
  /** In which order the rows of a table stand, where it is not that of the keys. */
  tableOrder?(a: T, b: T): number
  /** False where the kind places Age itself, or shows none. */
  age?: boolean
  /** Comes from a CustomResourceDefinition: no strategic merge patch. */
  custom?: boolean
  /** Other versions of the kind, which read and write the same stored objects. */
  views?: readonly View[]
  /** The body of a subresource: the API versions in which it says the same. */
  alsoAs?: readonly string[]
  /** Has protobuf numbers; true unless said (custom resources have none). */
  protobuf?: boolean
  /** Retention of history in the store: `window` keeps nothing beyond the watch window (Leases, Events). */
  history?: 'full' | 'window'
  /** Objects vanish after this long (Events). */
  ttlSeconds?: number
}

export interface SubresourceFacts {
  name: string
  kind: string
  group?: string
  version?: string
  verbs: readonly string[]
}

/** A kind, ready to serve: what the options say plus what follows from them. */
export interface Resource<T = unknown> extends ResourceOptions<T> {
  singular: string
  listKind: string
  /** `v1` or `apps/v1`. */
  apiVersion: string
  /** `pods`, `deployments.apps`: how messages and RBAC name it. */
  groupResource: string
  /** The whole object as a message: apiVersion, kind, metadata and the kind's fields. */
  struct: Struct<T>
}

export type ObjectOf<R> = R extends Resource<infer T> ? T : never
/** The type of an object with these fields, for pages whose hooks live in other files. */
export type ObjectWith<P> = { apiVersion: string; kind: string; metadata: ObjectMeta & { name: string } } & FieldsOf<P>

/** Declares a kind. One page, one call: `export const pods = defineResource({ … fields: { spec: ref(2, podSpec) } })`. */
export function defineResource<P extends Record<string, Field>>(
  options: ResourceOptions<ObjectWith<P>> & { fields: P /** OpenAPI name, `io.k8s.api.core.v1.Pod`. */; model: string },
): Resource<ObjectWith<P>> {
  const { fields, model, ...rest } = options
  return {
    ...rest,
    singular: options.singular ?? options.kind.toLowerCase(),
    listKind: options.listKind ?? `${options.kind}List`,
    apiVersion: options.group === '' ? options.version : `${options.group}/${options.version}`,
    groupResource: options.group === '' ? options.plural : `${options.plural}.${options.group}`,
    // apiVersion and kind are not protobuf fields: they travel in the envelope (runtime.Unknown).
    struct: { ...struct(model, { metadata: metadataField, ...fields }), embedded: true } as unknown as Struct<
      ObjectWith<P>
    >,
  }
}

/** Read-only all the way down: what caches hand out. */
export type DeepReadonly<T> = T extends (infer E)[]
  ? readonly DeepReadonly<E>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T
