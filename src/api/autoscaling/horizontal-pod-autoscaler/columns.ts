// What an autoscaler measures and wants, as tables show it.

import type { MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from './fields.ts'

const MAX_SHOWN = 2
const UNKNOWN = '<unknown>'

/** `cpu: 12%/80%, 3/5 (avg) + 1 more...` */
export function targetsText(specs: readonly MetricSpec[] = [], statuses: readonly MetricStatus[] = []): string {
  if (specs.length === 0) return '<none>'
  const texts = specs.map((spec, i) => targetText(spec, statuses[i]))
  const shown = texts.slice(0, MAX_SHOWN).join(', ')
  return texts.length > MAX_SHOWN ? `${shown} + ${texts.length - MAX_SHOWN} more...` : shown
}

function targetText(spec: MetricSpec, status: MetricStatus | undefined): string {
  switch (spec.type) {
    case 'External':
      return valueText(spec.external?.target, status?.external?.current)
    case 'Object':
      return valueText(spec.object?.target, status?.object?.current)
    case 'Pods':
      return `${averageText(status?.pods?.current)}/${spec.pods?.target.averageValue ?? '0'}`
    case 'Resource':
      return resourceText(spec.resource, status?.resource?.current)
    case 'ContainerResource':
      return resourceText(spec.containerResource, status?.containerResource?.current)
    default:
      return '<unknown type>'
  }
}

/** A status that is there but says nothing counts as zero. */
function averageText(current: MetricValueStatus | undefined): string {
  return current === undefined ? UNKNOWN : (current.averageValue ?? '0')
}

function valueText(target: MetricTarget | undefined, current: MetricValueStatus | undefined): string {
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? UNKNOWN}/${target.averageValue} (avg)`
  return `${current === undefined ? UNKNOWN : (current.value ?? '0')}/${target?.value ?? '0'}`
}

function resourceText(
  source: { name?: string; target: MetricTarget } | undefined,
  current: MetricValueStatus | undefined,
): string {
  const { name = '', target } = source ?? {}
  if (target?.averageValue !== undefined) return `${name}: ${averageText(current)}/${target.averageValue}`
  const measured = current?.averageUtilization === undefined ? UNKNOWN : `${current.averageUtilization}%`
  const wanted = target?.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`
  return `${name}: ${measured}/${wanted}`
}
