// Who owns which field: kept up by every write, and the base of server-side apply (upstream managedfields over structured-merge-diff).

import { rfc3339 } from '../../base/clock.ts'
import type { StatusCause } from '../errors.ts'
import type { AnyObject, ManagedFieldsEntry } from '../metadata.ts'
import type { JsonObject } from '../objects.ts'
import type { DeepReadonly } from '../resource.ts'
import type { Struct } from '../schema.ts'
import { addedFields, type FieldsText } from './added.ts'
import { compare, fieldsOf } from './compare.ts'
import {
  difference,
  type FieldSet,
  fieldSetOf,
  intersection,
  intersects,
  isEmptySet,
  pathsOf,
  sameSet,
  union,
} from './field-set.ts'
import { mergeApplied, removeFields } from './merge.ts'

/** Update managers kept per object; the oldest beyond are merged into one (upstream DefaultMaxUpdateManagers). */
const MAX_UPDATE_MANAGERS = 10
const ANCIENT = 'ancient-changes'
const BEFORE_FIRST_APPLY = 'before-first-apply'

/** Metadata that the server manages is nobody's. */
const UNOWNED_METADATA: ReadonlySet<string> = new Set([
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'clusterName',
  'generation',
  'managedFields',
  'resourceVersion',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
])

export interface Tracking {
  struct: Struct
  manager: string
  apiVersion: string
  /** Empty for the object itself. */
  subresource: string
  nowMs: number
}

/** Writes into `next.metadata.managedFields` what an ordinary write (create, update, patch) changed. */
export function trackUpdate(options: Tracking & { live: DeepReadonly<AnyObject> | undefined; next: AnyObject }): void {
  const { struct, live, next } = options
  const given = next.metadata.managedFields
  // Clients reset ownership by sending one empty entry (or an empty list).
  const reset =
    given !== undefined && (given.length === 0 || (given.length === 1 && Object.keys(given[0] ?? {}).length === 0))
  if (reset && live) {
    delete next.metadata.managedFields
    return
  }
  if (!live) {
    const fields = addedFields(struct, next, UNOWNED_METADATA)
    if (fields === undefined) delete next.metadata.managedFields
    else next.metadata.managedFields = [entryOf(options, 'Update', fields)]
    return
  }
  const known = live.metadata.managedFields ?? []
  const found = compare(struct, live as JsonObject, next, UNOWNED_METADATA)
  if (found === undefined) {
    if (known.length > 0) next.metadata.managedFields = known as ManagedFieldsEntry[]
    else delete next.metadata.managedFields
    return
  }
  const { changed = EMPTY, removed = EMPTY } = found
  const entries: ManagedFieldsEntry[] = []
  let mine: FieldSet = EMPTY
  for (const each of known) {
    const entry = each as ManagedFieldsEntry
    // What stands behind the first of one's own, should there be more, is left alone.
    if (!isUpdateOf(entry, options)) transfer(entry, { changed, removed }, entries)
    else if (mine === EMPTY) mine = fieldSetOf(entry.fieldsV1)
    else entries.push(entry)
  }
  const set = union(difference(mine, removed), changed)
  if (!isEmptySet(set)) entries.push(entryOf(options, 'Update', set))
  setEntries(next, capped(entries))
}

const EMPTY: FieldSet = {}

interface Touched {
  changed: FieldSet
  removed: FieldSet
}

/** What another manager is left with: not the fields that were changed under it or that are gone. An entry that loses nothing stays as it is. */
function transfer(entry: ManagedFieldsEntry, { changed, removed }: Touched, into: ManagedFieldsEntry[]): void {
  const set = fieldSetOf(entry.fieldsV1)
  if (!intersects(set, changed) && !intersects(set, removed)) {
    into.push(entry)
    return
  }
  const lost = union(intersection(set, changed), intersection(set, removed))
  const left = difference(set, lost)
  if (!isEmptySet(left)) into.push({ ...entry, fieldsV1: left })
}

const isUpdateOf = (entry: ManagedFieldsEntry, { manager, apiVersion, subresource }: Tracking): boolean =>
  entry.operation === 'Update' &&
  entry.manager === manager &&
  entry.apiVersion === apiVersion &&
  (entry.subresource ?? '') === subresource

const isApplyOf = (entry: ManagedFieldsEntry, { manager, subresource }: Tracking): boolean =>
  entry.operation === 'Apply' && entry.manager === manager && (entry.subresource ?? '') === subresource

function entryOf(
  { manager, apiVersion, subresource, nowMs }: Tracking,
  operation: 'Update' | 'Apply',
  set: FieldSet | FieldsText,
): ManagedFieldsEntry {
  const entry: ManagedFieldsEntry = {
    manager,
    operation,
    apiVersion,
    time: rfc3339(nowMs),
    fieldsType: 'FieldsV1',
    fieldsV1: set,
  }
  if (subresource !== '') entry.subresource = subresource
  return entry
}

function setEntries(object: AnyObject, entries: ManagedFieldsEntry[]): void {
  if (entries.length === 0) delete object.metadata.managedFields
  else object.metadata.managedFields = isInOrder(entries) ? entries : entries.sort((a, b) => (isBefore(a, b) ? -1 : 1))
}

/** The newest entry is put last, so that there is seldom something to sort. */
function isInOrder(entries: readonly ManagedFieldsEntry[]): boolean {
  for (let i = 1; i < entries.length; i++) {
    const before = entries[i - 1]
    const after = entries[i]
    if (before && after && isBefore(after, before)) return false
  }
  return true
}

/** Applied ones first, then by time, then by name: upstream's order. */
function isBefore(a: ManagedFieldsEntry, b: ManagedFieldsEntry): boolean {
  const isApplied = a.operation === 'Apply'
  if (isApplied !== (b.operation === 'Apply')) return isApplied
  const time = a.time ?? ''
  const other = b.time ?? ''
  return time === other ? named(a) < named(b) : time < other
}

const named = ({ manager = '', subresource = '' }: ManagedFieldsEntry): string => `${manager} ${subresource}`

function capped(entries: ManagedFieldsEntry[]): ManagedFieldsEntry[] {
  if (entries.length <= MAX_UPDATE_MANAGERS) return entries
  const updates = entries.filter((e) => e.operation === 'Update')
  if (updates.length <= MAX_UPDATE_MANAGERS) return entries
  const oldest = updates
    .sort((a, b) => ((a.time ?? '') < (b.time ?? '') ? -1 : 1))
    .slice(0, updates.length - MAX_UPDATE_MANAGERS + 1)
  const [first] = oldest
  const merged = oldest.reduce<FieldSet>((set, e) => union(set, fieldSetOf(e.fieldsV1)), {})
  const { subresource: _, ...rest } = first ?? {}
  return [...entries.filter((e) => !oldest.includes(e)), { ...rest, manager: ANCIENT, fieldsV1: merged }]
}

/** The set without what nobody owns. */
function strip(set: FieldSet): FieldSet {
  const metadata = set['f:metadata']
  if (metadata === undefined) return set
  const kept: FieldSet = {}
  for (const key in metadata) if (key !== '.' && !UNOWNED_METADATA.has(key.slice(2))) kept[key] = metadata[key] ?? {}
  const result: FieldSet = {}
  for (const key in set) if (key !== 'f:metadata') result[key] = set[key] ?? {}
  if (!isEmptySet(kept)) result['f:metadata'] = kept
  return result
}

export interface ApplyOptions extends Tracking {
  live: AnyObject | undefined
  /** What the client applies: only the fields it has an opinion on. */
  applied: AnyObject
  force: boolean
}

export type ApplyOutcome = { object: AnyObject } | { message: string; conflicts: StatusCause[] }

/** Server-side apply: the merged object with its new ownership, or the conflicts that stand in the way. */
export function serverSideApply(options: ApplyOptions): ApplyOutcome {
  const { struct, live, applied, force } = options
  const base: AnyObject = live ?? {
    apiVersion: applied.apiVersion,
    kind: applied.kind,
    metadata: { name: applied.metadata.name },
  }
  const known = managersOf(options, base)
  const set = reset(strip(fieldsOf(struct, applied as JsonObject)), options)
  const before = known.find((e) => isApplyOf(e, options))
  const others = known.filter((e) => e !== before)
  const merged = mergeApplied(struct, base as JsonObject, withoutReset(applied, options)) as AnyObject
  const dropped = unowned(difference(fieldSetOf(before?.fieldsV1), set), others, set)
  const next = removeFields(struct, merged as JsonObject, dropped) as AnyObject
  const { changed = EMPTY, removed = EMPTY } = compare(struct, base as JsonObject, next, UNOWNED_METADATA) ?? {}
  const conflicts = force ? [] : conflictsOf(others, changed)
  if (conflicts.length > 0) return { message: conflictMessage(conflicts), conflicts: conflicts.map(causeOf) }
  const left: ManagedFieldsEntry[] = []
  for (const entry of others) transfer(entry, { changed, removed }, left)
  const same =
    before !== undefined && before.apiVersion === options.apiVersion && sameSet(fieldSetOf(before.fieldsV1), set)
  const mine = same && before ? before : entryOf(options, 'Apply', set)
  next.metadata = { ...next.metadata }
  setEntries(next, isEmptySet(set) ? left : [...left, mine])
  return { object: next }
}

/** The managers of the live object; one that was never tracked is taken as written by somebody before. */
function managersOf(options: ApplyOptions, base: AnyObject): ManagedFieldsEntry[] {
  const known = base.metadata.managedFields ?? []
  if (known.length > 0 || !options.live) return [...known]
  const set = strip(fieldsOf(options.struct, base as JsonObject))
  return isEmptySet(set) ? [] : [entryOf({ ...options, manager: BEFORE_FIRST_APPLY, subresource: '' }, 'Update', set)]
}

/** The fields of `dropped` that no other manager owns, and that hold nothing that one owns. */
function unowned(dropped: FieldSet, others: readonly ManagedFieldsEntry[], set: FieldSet): FieldSet {
  let result = dropped
  for (const owned of [...others.map((e) => fieldSetOf(e.fieldsV1)), set])
    result = difference(result, withParents(owned))
  return result
}

/** Every node of the tree as a member: who owns a field keeps the containers it is in. */
function withParents(set: FieldSet): FieldSet {
  const result: FieldSet = {}
  for (const [key, node] of Object.entries(set))
    if (key !== '.') result[key] = isEmptySet(node) ? node : { '.': {}, ...withParents(node) }
  return result
}

/** The main path does not own status, the status path owns nothing else. */
function reset(set: FieldSet, { subresource, struct }: Tracking): FieldSet {
  if (subresource === 'status') return set['f:status'] ? { 'f:status': set['f:status'] } : {}
  if (!Object.hasOwn(struct.fields, 'status')) return set
  const { 'f:status': _, ...rest } = set
  return rest
}

function withoutReset(applied: AnyObject, { subresource, struct }: Tracking): JsonObject {
  const { managedFields: _, ...metadata } = applied.metadata
  if (subresource === 'status') return { ...(applied['status'] === undefined ? {} : { status: applied['status'] }) }
  const { status, ...rest } = applied
  const kept = status === undefined || Object.hasOwn(struct.fields, 'status') ? rest : { ...rest, status }
  return { ...kept, metadata }
}

interface Conflict {
  entry: ManagedFieldsEntry
  path: string
}

function conflictsOf(others: readonly ManagedFieldsEntry[], touched: FieldSet): Conflict[] {
  return others.flatMap((entry) =>
    pathsOf(intersection(fieldSetOf(entry.fieldsV1), touched)).map((path) => ({ entry, path })),
  )
}

function managerText({ manager = '', subresource, operation, apiVersion, time }: ManagedFieldsEntry): string {
  const name = JSON.stringify(manager) + (subresource ? ` with subresource ${JSON.stringify(subresource)}` : '')
  if (operation !== 'Update') return name
  return `${name} using ${apiVersion}${time ? ` at ${time}` : ''}`
}

function causeOf({ entry, path }: Conflict): StatusCause {
  return { reason: 'FieldManagerConflict', message: `conflict with ${managerText(entry)}`, field: path }
}

function conflictMessage(conflicts: readonly Conflict[]): string {
  const [first] = conflicts
  if (conflicts.length === 1 && first)
    return `Apply failed with 1 conflict: conflict with ${managerText(first.entry)}: ${first.path}`
  const byManager = Map.groupBy(conflicts, (c) => managerText(c.entry))
  const lines = [...byManager.keys()]
    .sort()
    .flatMap((manager) => [`conflicts with ${manager}:`, ...(byManager.get(manager) ?? []).map((c) => `- ${c.path}`)])
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`
}
