// `meta.k8s.io/v1 Table`: what `kubectl get` prints, made from a kind's columns.

import { age } from './duration.ts'
import type { AnyObject } from './metadata.ts'
import { partialMetadata } from './partial-metadata.ts'
import type { Column, DeepReadonly, Resource } from './resource.ts'

export interface TableColumn {
  name: string
  type: string
  format: string
  description: string
  priority: number
}

export interface TableRow {
  cells: readonly unknown[]
  object?: unknown
}

export interface Table {
  kind: 'Table'
  apiVersion: 'meta.k8s.io/v1'
  metadata: object
  columnDefinitions: readonly TableColumn[] | null
  rows: readonly TableRow[]
}

export interface TableOptions {
  nowMs: number
  /** What stands beside the cells of a row. */
  includeObject: 'None' | 'Metadata' | 'Object'
  /** The list's metadata, or for one object its resourceVersion. */
  metadata: object
}

const NAME: TableColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace.',
  priority: 0,
}
const AGE: Column<AnyObject> = {
  name: 'Age',
  description: 'Time since the object was created.',
  cell: ({ metadata }, { nowMs }) => age(metadata.creationTimestamp, nowMs),
}

interface Columns {
  columns: readonly Column<AnyObject>[]
  shown: readonly TableColumn[]
  /** The name comes first, unless the kind places it itself (events). */
  namesFirst: boolean
}

const definitions = new WeakMap<Resource<AnyObject>, Columns>()

/** A kind's own columns between Name and Age; wide ones come last, as upstream orders them. Kinds that place Age themselves are left alone. */
function columnsOf(resource: Resource<AnyObject>): Columns {
  const known = definitions.get(resource)
  if (known) return known
  const own = resource.columns ?? []
  const columns =
    resource.age === false ? own : [...own.filter((c) => !c.priority), AGE, ...own.filter((c) => c.priority)]
  const namesFirst = own.every((c) => c.name !== NAME.name)
  const shown = columns.map(definitionOf)
  const made = { columns, shown: namesFirst ? [NAME, ...shown] : shown, namesFirst }
  definitions.set(resource, made)
  return made
}

function definitionOf({
  name,
  type = 'string',
  format = '',
  description = '',
  priority = 0,
}: Column<AnyObject>): TableColumn {
  return { name, type, format, description, priority }
}

/** A table without its rows. */
export function tableHead(
  resource: Resource<AnyObject>,
  { metadata }: Pick<TableOptions, 'metadata'>,
): Omit<Table, 'rows'> {
  return { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata, columnDefinitions: columnsOf(resource).shown }
}

export function tableRow(
  resource: Resource<AnyObject>,
  object: DeepReadonly<AnyObject>,
  options: Omit<TableOptions, 'metadata'>,
): TableRow {
  const { columns, namesFirst } = columnsOf(resource)
  const cells: unknown[] = namesFirst ? [resource.shownName?.(object as AnyObject) ?? object.metadata.name] : []
  for (const column of columns) cells.push(column.cell(object as AnyObject, options))
  if (options.includeObject === 'None') return { cells }
  return { cells, object: options.includeObject === 'Object' ? object : partialMetadata(object) }
}

export function tableOf(
  resource: Resource<AnyObject>,
  objects: readonly DeepReadonly<AnyObject>[],
  options: TableOptions,
): Table {
  return { ...tableHead(resource, options), rows: objects.map((object) => tableRow(resource, object, options)) }
}
