// Event in the group of its own: other names for the same fields, and events.k8s.io/v1 asks for more than the core group does.

import type { Issues } from '../../apimachinery/issues.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import { isObject, type JsonObject } from '../../apimachinery/objects.ts'
import { int32, microTime, ref, required, string, type Struct, struct, time } from '../../apimachinery/schema.ts'
import { validateImmutable } from '../../apimachinery/validation.ts'
import type { View } from '../../apimachinery/view.ts'
import { objectReference } from './references.ts'

const GROUP = 'events.k8s.io'

const fieldsOf = (version: string, source: Struct): NonNullable<View['fields']> => ({
  eventTime: microTime(2),
  series: ref(
    3,
    struct(`io.k8s.api.events.${version}.EventSeries`, {
      count: required(int32(1)),
      lastObservedTime: required(microTime(2)),
    }),
  ),
  reportingController: string(4, { nilable: false }),
  reportingInstance: string(5, { nilable: false }),
  action: string(6, { nilable: false }),
  reason: string(7, { nilable: false }),
  regarding: ref(8, objectReference),
  related: ref(9, objectReference),
  note: string(10, { nilable: false }),
  type: string(11, { nilable: false }),
  deprecatedSource: ref(12, source),
  deprecatedFirstTimestamp: time(13),
  deprecatedLastTimestamp: time(14),
  deprecatedCount: int32(15, { nilable: false }),
  involvedObject: null,
  message: null,
  source: null,
  firstTimestamp: null,
  lastTimestamp: null,
  count: null,
  reportingComponent: null,
})

/** The core group's names, by those of this group. */
const NAMES = {
  regarding: 'involvedObject',
  note: 'message',
  reportingController: 'reportingComponent',
  deprecatedSource: 'source',
  deprecatedFirstTimestamp: 'firstTimestamp',
  deprecatedLastTimestamp: 'lastTimestamp',
  deprecatedCount: 'count',
} as const

function rename(object: JsonObject, from: string, to: string): void {
  if (object[from] !== undefined) object[to] = object[from]
  delete object[from]
}

function toHub(event: AnyObject): void {
  for (const [here, core] of Object.entries(NAMES)) rename(event, here, core)
}

function fromHub(event: AnyObject): void {
  for (const [here, core] of Object.entries(NAMES)) rename(event, core, here)
  // The core group writes these two even when they are empty.
  for (const field of ['reportingController', 'reportingInstance']) if (event[field] === '') delete event[field]
}

const REFERENCE = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath']

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

const selectable: NonNullable<View['selectable']> = {
  ...Object.fromEntries(
    REFERENCE.map((key) => [
      `regarding.${key}`,
      ({ involvedObject: about }: AnyObject) => text(isObject(about) ? about[key] : undefined),
    ]),
  ),
  reason: (event) => text(event['reason']),
  reportingController: (event) => text(event['reportingComponent']),
  type: (event) => text(event['type']),
}

/** What has moved to other fields may not be written where it was. */
const UNSET = ['firstTimestamp', 'lastTimestamp', 'count', 'source'] as const
const IMMUTABLE = [
  'involvedObject',
  'reason',
  'message',
  'source',
  'firstTimestamp',
  'lastTimestamp',
  'count',
  'reason',
  'type',
  'eventTime',
  'action',
  'related',
  'reportingComponent',
  'reportingInstance',
]

function isSet(value: unknown): boolean {
  if (isObject(value)) return Object.values(value).some((member) => member !== '')
  return value !== undefined && value !== null && value !== 0
}

function validateSeries(series: unknown, issues: Issues): void {
  if (!isObject(series)) return
  if (Number(series['count'] ?? 0) < 2) issues.invalid('series.count', '', 'should be at least 2')
  if (!isSet(series['lastObservedTime'])) issues.required('series.lastObservedTime')
}

function validate(next: AnyObject, previous: AnyObject | undefined, issues: Issues): void {
  if (previous) {
    if (JSON.stringify(next['series']) !== JSON.stringify(previous['series'])) validateSeries(next['series'], issues)
    for (const field of IMMUTABLE) validateImmutable(next[field], previous[field], field, issues)
    return
  }
  validateSeries(next['series'], issues)
  if (!isSet(next['eventTime'])) issues.required('eventTime')
  const type = text(next['type'])
  if (type !== 'Normal' && type !== 'Warning') issues.invalid('type', '', `has invalid value: ${type}`)
  for (const field of UNSET) if (isSet(next[field])) issues.invalid(field, '', 'needs to be unset')
}

const shared = {
  group: GROUP,
  selectable,
  toHub,
  fromHub,
  fieldName: (path: string): string => (path === 'reportingComponent' ? 'reportingController' : path),
}

export const eventViews = (source: Struct): readonly View[] => [
  { ...shared, version: 'v1', fields: fieldsOf('v1', source), shortNames: ['ev'], validate },
  {
    ...shared,
    version: 'v1beta1',
    fields: fieldsOf('v1beta1', source),
    shortNames: ['ev'],
    deprecated: { since: '1.22', removed: '1.25', use: `${GROUP}/v1` },
  },
]
