// What the rows of several kinds have in common: labels, selectors and containers as text.

import { age } from '../apimachinery/duration.ts'
import type { LabelSelector, LabelSelectorRequirement } from '../apimachinery/metadata.ts'
import type { Column } from '../apimachinery/resource.ts'
import type { PodSpec } from './core/pod/spec.ts'

/** `app=web,tier=front`, or `<none>`. */
export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`)
  return pairs.length === 0 ? '<none>' : pairs.sort().join(',')
}

/** A selector in the syntax of `kubectl -l`. */
export function selectorText(selector: LabelSelector | undefined): string {
  if (selector === undefined) return '<none>'
  const labels = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`)
  const parts = [...labels, ...(selector.matchExpressions ?? []).map(requirementText)]
  return parts.length === 0 ? '<none>' : parts.sort().join(',')
}

function requirementText({ key, operator, values = [] }: LabelSelectorRequirement): string {
  const list = `(${[...values].sort().join(',')})`
  switch (operator) {
    case 'In':
      return `${key} in ${list}`
    case 'NotIn':
      return `${key} notin ${list}`
    case 'Exists':
      return key
    case 'DoesNotExist':
      return `!${key}`
  }
}

/** Containers, Images, Selector: the wide columns of everything that has a pod template. */
export function templateColumns<T>(
  template: (object: T) => PodSpec | undefined,
  selector: (object: T) => string,
): readonly Column<T>[] {
  const containers = (object: T): NonNullable<PodSpec['containers']> => template(object)?.containers ?? []
  return [
    {
      name: 'Containers',
      priority: 1,
      description: 'The names of the containers.',
      cell: (object) =>
        containers(object)
          .map(({ name }) => name)
          .join(','),
    },
    {
      name: 'Images',
      priority: 1,
      description: 'What the containers run.',
      cell: (object) =>
        containers(object)
          .map(({ image = '' }) => image)
          .join(','),
    },
    { name: 'Selector', priority: 1, description: 'The labels of the pods.', cell: selector },
  ]
}

/** The first few of `items`, and how many there are beyond. */
export function fewText(items: readonly string[], max: number): string {
  if (items.length === 0) return '<none>'
  if (items.length <= max) return items.join(',')
  return `${items.slice(0, max).join(',')} + ${items.length - max} more...`
}

/** Since when the object exists. Kinds that show it last need not name it. */
export const ageColumn: Column<{ metadata: { creationTimestamp?: string } }> = {
  name: 'Age',
  description: 'How long ago the object was created.',
  cell: (object, { nowMs }) => age(object.metadata.creationTimestamp, nowMs),
}
