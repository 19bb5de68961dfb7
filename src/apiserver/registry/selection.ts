// Which objects a list or a watch is about: namespace, name, label selector, field selector.

import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { DeepReadonly, Resource } from '../../apimachinery/resource.ts'
import { parseFieldSelector } from '../../apimachinery/selectors/fields.ts'
import { parseLabelSelector, type Requirement, type Selector } from '../../apimachinery/selectors/labels.ts'
import type { StoredObject } from '../cache/stored.ts'
import type { Selection } from '../cache/watcher.ts'
import type { RequestContext } from './context.ts'
import type { Served } from './served.ts'

export interface Selected {
  selection: Selection
  /** A selector leaves objects out: upstream then does not say how many remain. */
  filtered: boolean
}

type Matcher = (stored: StoredObject) => boolean

export function selectionOf({ shown: resource }: Served, query: URLSearchParams, context: RequestContext): Selected {
  const matchers: Matcher[] = []
  let terms: readonly Requirement[] = []
  const labels = query.get('labelSelector')
  if (labels) {
    const selector = labelSelector(labels)
    // The labels alone are read out of the bytes: the rest of an object that does not match is never parsed.
    matchers.push((stored) => selector.matches(stored.labels))
    terms = selector.requirements.filter(({ operator }) => operator === 'In')
  }
  let { name, namespace } = context.info
  const fields = query.get('fieldSelector')
  if (fields) {
    for (const { field, value, not } of fieldTerms(resource, fields)) {
      if (field === 'metadata.name' && !not) {
        if (name !== '' && name !== value) matchers.push(() => false)
        name = value
      } else if (field === 'metadata.namespace' && !not && namespace === '' && resource.scope === 'Namespaced') {
        namespace = value
      } else {
        const get = getter(resource, field)
        matchers.push((stored) => (get(stored.object) === value) !== not)
      }
    }
  }
  const [only] = matchers
  const matches =
    matchers.length <= 1 ? only : (stored: StoredObject): boolean => matchers.every((matcher) => matcher(stored))
  return {
    selection: {
      namespace,
      ...(name === '' ? {} : { name }),
      ...(terms.length > 0 ? { labels: terms } : {}),
      ...(matches ? { matches } : {}),
    },
    filtered: matches !== undefined || fields !== null,
  }
}

function labelSelector(text: string): Selector {
  try {
    return parseLabelSelector(text)
  } catch (error) {
    throw errors.badRequest(error instanceof Error ? error.message : String(error))
  }
}

function fieldTerms(resource: Resource<AnyObject>, text: string): { field: string; value: string; not: boolean }[] {
  let terms: ReturnType<typeof parseFieldSelector>['terms']
  try {
    terms = parseFieldSelector(text).terms
  } catch (error) {
    throw errors.badRequest(error instanceof Error ? error.message : String(error))
  }
  for (const { field } of terms) {
    const known =
      field === 'metadata.name' || field === 'metadata.namespace' || Object.hasOwn(resource.selectable ?? {}, field)
    if (!known) throw errors.badRequest(`field label not supported: ${field}`)
  }
  return terms
}

function getter(resource: Resource<AnyObject>, field: string): (object: DeepReadonly<AnyObject>) => string {
  if (field === 'metadata.name') return (object) => object.metadata.name
  if (field === 'metadata.namespace') return (object) => object.metadata.namespace ?? ''
  const get = resource.selectable?.[field]
  return (object) => get?.(object as AnyObject) ?? ''
}
