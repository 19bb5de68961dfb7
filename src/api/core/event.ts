// Event: something that happened to an object, kept for an hour.

import type { Issues } from '../../apimachinery/issues.ts'
import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { int32, microTime, ref, required, string, struct, time } from '../../apimachinery/schema.ts'
import { checkQualifiedName } from '../../apimachinery/validation.ts'
import { eventViews } from './event-views.ts'
import { objectReference } from './references.ts'
import { age } from '../../apimachinery/duration.ts'
import type { ObjectReference } from './references.ts'

export const eventSource = struct('io.k8s.api.core.v1.EventSource', {
  component: string(1),
  host: string(2),
})
export interface EventSource extends TypeOf<typeof eventSource> {}

export const eventSeries = struct('io.k8s.api.core.v1.EventSeries', {
  count: int32(1),
  lastObservedTime: microTime(2),
})
export interface EventSeries extends TypeOf<typeof eventSeries> {}

const eventFields = {
  involvedObject: required(ref(2, objectReference, { default: {} })),
  reason: string(3),
  message: string(4),
  source: ref(5, eventSource, { default: {} }),
  firstTimestamp: time(6),
  lastTimestamp: time(7),
  count: int32(8),
  type: string(9),
  eventTime: microTime(10),
  series: ref(11, eventSeries),
  action: string(12),
  related: ref(13, objectReference),
  reportingComponent: string(14, { always: true }),
  reportingInstance: string(15, { always: true }),
}
export interface Event extends ObjectWith<typeof eventFields> {}

export const events = defineResource({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  scope: 'Namespaced',
  shortNames: ['ev'],
  createOnUpdate: true,
  history: 'window',
  ttlSeconds: 3600,
  selectable: {
    'involvedObject.kind': (event) => event.involvedObject.kind ?? '',
    'involvedObject.namespace': (event) => event.involvedObject.namespace ?? '',
    'involvedObject.name': (event) => event.involvedObject.name ?? '',
    'involvedObject.uid': (event) => event.involvedObject.uid ?? '',
    'involvedObject.apiVersion': (event) => event.involvedObject.apiVersion ?? '',
    'involvedObject.resourceVersion': (event) => event.involvedObject.resourceVersion ?? '',
    'involvedObject.fieldPath': (event) => event.involvedObject.fieldPath ?? '',
    reason: (event) => event.reason ?? '',
    reportingComponent: (event) => event.reportingComponent ?? '',
    source: (event) => event.source?.component ?? event.reportingComponent ?? '',
    type: (event) => event.type ?? '',
  },
  model: 'io.k8s.api.core.v1.Event',
  views: eventViews(eventSource),
  fields: eventFields,
  columns: [
    { name: 'Last Seen', description: 'When it happened last.', cell: (event, { nowMs }) => lastSeen(event, nowMs) },
    { name: 'Type', description: 'Normal or Warning.', cell: ({ type = '' }) => type },
    { name: 'Reason', description: 'Why, in a word.', cell: ({ reason = '' }) => reason },
    { name: 'Object', description: 'What it happened to.', cell: ({ involvedObject }) => objectText(involvedObject) },
    {
      name: 'Subobject',
      priority: 1,
      description: 'The part it happened to.',
      cell: ({ involvedObject }) => involvedObject.fieldPath ?? '',
    },
    { name: 'Source', priority: 1, description: 'Who reports it.', cell: sourceText },
    { name: 'Message', description: 'What happened.', cell: ({ message = '' }) => message.trim() },
    {
      name: 'First Seen',
      priority: 1,
      description: 'When it happened first.',
      cell: ({ firstTimestamp, eventTime }, { nowMs }) => age(firstTimestamp ?? eventTime, nowMs),
    },
    {
      name: 'Count',
      priority: 1,
      type: 'integer',
      description: 'How often it happened.',
      cell: ({ series, count }) => series?.count ?? (count || 1),
    },
    {
      name: 'Name',
      format: 'name',
      priority: 1,
      description: 'The name of the event.',
      cell: ({ metadata }) => metadata.name,
    },
  ],
  age: false,
  validate(event, issues) {
    validateEvent(event, issues)
  },
})

const MAX_NAME_LENGTH = 128
const MAX_MESSAGE_LENGTH = 1024

/** An event that says when it happened to the microsecond is one of the new form, which has to say more. */
function validateEvent(event: Event, issues: Issues): void {
  const { metadata, involvedObject, eventTime } = event
  const { namespace = '' } = involvedObject
  const home = metadata.namespace ?? ''
  const isNew = eventTime !== undefined && eventTime !== null
  // Events of what has no namespace live in the default one.
  const fits = isNew
    ? namespace !== '' || home === 'default' || home === 'kube-system'
    : namespace === ''
      ? home === '' || home === 'default'
      : home === namespace
  if (!fits) issues.invalid('involvedObject.namespace', namespace, 'does not match event.namespace')
  if (!isNew) return
  const { reportingComponent = '' } = event
  if (reportingComponent === '') issues.required('reportingComponent')
  for (const problem of checkQualifiedName(reportingComponent)) {
    issues.invalid('reportingComponent', reportingComponent, problem)
  }
  for (const field of ['reportingInstance', 'action', 'reason'] as const) {
    const value = event[field] ?? ''
    if (value === '') issues.required(field)
    if (Buffer.byteLength(value) > MAX_NAME_LENGTH) {
      issues.invalid(field, '', `can have at most ${MAX_NAME_LENGTH} characters`)
    }
  }
  if (Buffer.byteLength(event.message ?? '') > MAX_MESSAGE_LENGTH) {
    issues.invalid('message', '', `can have at most ${MAX_MESSAGE_LENGTH} characters`)
  }
}

function lastSeen({ series, lastTimestamp, firstTimestamp, eventTime }: EventTimes, nowMs: number): string {
  return age(series?.lastObservedTime ?? lastTimestamp ?? firstTimestamp ?? eventTime, nowMs)
}

interface EventTimes {
  series?: EventSeries
  lastTimestamp?: string
  firstTimestamp?: string
  eventTime?: string
}

function objectText({ kind = '', name = '' }: ObjectReference): string {
  return name === '' ? kind : `${kind.toLowerCase()}/${name}`
}

interface Reported {
  source?: EventSource
  reportingComponent?: string
  reportingInstance?: string
}

function sourceText({ source, reportingComponent = '', reportingInstance = '' }: Reported): string {
  const component = source?.component ?? reportingComponent
  const host = source?.host ?? reportingInstance
  return host === '' ? component : `${component}, ${host}`
}
