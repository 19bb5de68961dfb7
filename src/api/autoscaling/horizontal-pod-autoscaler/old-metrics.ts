// Metrics as autoscaling/v1 writes them into annotations: the parts of a measure and of its target side by side.

import { decode } from '../../../apimachinery/decode.ts'
import { isObject, type JsonObject } from '../../../apimachinery/objects.ts'
import { horizontalPodAutoscalerSpec, horizontalPodAutoscalerStatus } from './fields.ts'

type Paths = Readonly<Record<string, Readonly<Record<string, string>>>>

const METRIC = { metricName: 'metric.name', selector: 'metric.selector' }
const EXTERNAL = { metricName: 'metric.name', metricSelector: 'metric.selector' }
const RESOURCE = { name: 'name', targetAverageUtilization: 'target.averageUtilization' }
const MEASURED = { name: 'name', currentAverageUtilization: 'current.averageUtilization' }

/** Where autoscaling/v2 has a member, by kind of source. */
const SPEC: Paths = {
  object: {
    ...METRIC,
    target: 'describedObject',
    targetValue: 'target.value',
    averageValue: 'target.averageValue',
  },
  pods: { ...METRIC, targetAverageValue: 'target.averageValue' },
  resource: { ...RESOURCE, targetAverageValue: 'target.averageValue' },
  containerResource: { ...RESOURCE, targetAverageValue: 'target.averageValue', container: 'container' },
  external: { ...EXTERNAL, targetValue: 'target.value', targetAverageValue: 'target.averageValue' },
}
const STATUS: Paths = {
  object: {
    ...METRIC,
    target: 'describedObject',
    currentValue: 'current.value',
    averageValue: 'current.averageValue',
  },
  pods: { ...METRIC, currentAverageValue: 'current.averageValue' },
  resource: { ...MEASURED, currentAverageValue: 'current.averageValue' },
  containerResource: { ...MEASURED, currentAverageValue: 'current.averageValue', container: 'container' },
  external: { ...EXTERNAL, currentValue: 'current.value', currentAverageValue: 'current.averageValue' },
}

/** Maps every source of a metric; what is no source stays. */
function mapped(
  metric: JsonObject,
  paths: Paths,
  map: (source: JsonObject, of: Paths[string]) => JsonObject,
): JsonObject {
  return Object.fromEntries(
    Object.entries(metric).map(([key, source]) => {
      const of = Object.hasOwn(paths, key) ? paths[key] : undefined
      return [key, of !== undefined && isObject(source) ? map(source, of) : source]
    }),
  )
}

function spread(source: JsonObject, paths: Paths[string] = {}): JsonObject {
  const spreading: JsonObject = {}
  for (const [flat, path] of Object.entries(paths)) {
    const value = source[flat]
    if (value === undefined) continue
    const [first = '', second] = path.split('.')
    if (second === undefined) spreading[first] = value
    else spreading[first] = { ...(spreading[first] as JsonObject | undefined), [second]: value }
  }
  return spreading
}

function flattened(source: JsonObject, paths: Paths[string] = {}): JsonObject {
  const flat: JsonObject = {}
  for (const [name, path] of Object.entries(paths)) {
    const [first = '', second] = path.split('.')
    const outer = source[first]
    const value = second === undefined ? outer : isObject(outer) ? outer[second] : undefined
    if (value !== undefined) flat[name] = value
  }
  return flat
}

/** The type of a target follows from what it says. */
function withTargetType(source: JsonObject): JsonObject {
  const target: JsonObject = isObject(source['target']) ? { ...source['target'] } : {}
  const { averageUtilization, averageValue } = target
  // Upstream writes a value of zero beside the average.
  if (averageValue !== undefined && target['value'] === '0') delete target['value']
  const type = averageUtilization !== undefined ? 'Utilization' : averageValue !== undefined ? 'AverageValue' : 'Value'
  return { ...source, target: { type, ...target } }
}

function list(text: string): JsonObject[] {
  const value: unknown = JSON.parse(text)
  return Array.isArray(value) ? value.filter(isObject) : []
}

/** What the annotation says, as autoscaling/v2 says it; nothing where it cannot be read. */
function readAs<T>(text: string | undefined, read: (text: string) => T): T | undefined {
  if (text === undefined) return undefined
  try {
    return read(text)
  } catch {
    return undefined
  }
}

const IGNORE = { unknownFields: 'ignore' } as const

export function metricsOf(text: string | undefined) {
  return readAs(text, (given) => {
    const metrics = list(given).map((metric) =>
      mapped(metric, SPEC, (source, paths) => withTargetType(spread(source, paths))),
    )
    return decode(horizontalPodAutoscalerSpec, { metrics }, IGNORE).value.metrics
  })
}

export function currentMetricsOf(text: string | undefined) {
  return readAs(text, (given) => {
    const currentMetrics = list(given).map((metric) => mapped(metric, STATUS, spread))
    return decode(horizontalPodAutoscalerStatus, { currentMetrics }, IGNORE).value.currentMetrics
  })
}

export function conditionsOf(text: string | undefined) {
  return readAs(
    text,
    (given) => decode(horizontalPodAutoscalerStatus, { conditions: list(given) }, IGNORE).value.conditions,
  )
}

/** Of behaviour upstream writes the names of its Go fields. */
export function behaviorOf(text: string | undefined) {
  return readAs(text, (given) => {
    const behavior = renamed(JSON.parse(given), (name) => name.charAt(0).toLowerCase() + name.slice(1))
    return decode(horizontalPodAutoscalerSpec, { behavior }, IGNORE).value.behavior
  })
}

export function metricsText(metrics: readonly JsonObject[]): string {
  return JSON.stringify(metrics.map((metric) => mapped(metric, SPEC, flattened)))
}

export function currentMetricsText(metrics: readonly JsonObject[]): string {
  return JSON.stringify(metrics.map((metric) => mapped(metric, STATUS, flattened)))
}

export function behaviorText(behavior: JsonObject): string {
  return JSON.stringify(renamed(behavior, (name) => name.charAt(0).toUpperCase() + name.slice(1)))
}

function renamed(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) =>
      member === null ? [] : [[rename(name), renamed(member, rename)]],
    ),
  )
}
