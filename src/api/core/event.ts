// Event: something that happened to an object, kept for an hour.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { int32, microTime, ref, required, string, struct, time } from '../../apimachinery/schema.ts'
import { objectReference } from './references.ts'

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
  fields: {
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
  },
})
export interface Event extends ObjectOf<typeof events> {}
