// Checks one item of a limit range: names that its type knows, and amounts that do not contradict each other.

import type { Issues } from '../../../apimachinery/issues.ts'
import { compareQuantities, parseQuantity } from '../../../apimachinery/quantity.ts'
import { isQuantity } from '../../../apimachinery/scalars.ts'
import { checkQualifiedName, checkValue } from '../../../apimachinery/validation.ts'
import type { LimitRangeItem } from './limit-range.ts'
import { isOvercommitAllowed, validateContainerResourceName, validateResourceName } from '../resource-names.ts'

const TYPES = ['Pod', 'Container', 'PersistentVolumeClaim']
const AMOUNTS = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const

/** `types` are those of the items before. */
export function validateLimitRangeItem(
  item: LimitRangeItem,
  at: string,
  types: ReadonlySet<string>,
  issues: Issues,
): void {
  const type = item.type ?? ''
  checkValue(type, checkQualifiedName, `${at}.type`, issues)
  if (checkQualifiedName(type).length === 0 && !type.includes('/') && !TYPES.includes(type)) {
    issues.invalid(`${at}.type`, type, 'must be a standard limit type or fully qualified')
  }
  if (types.has(type)) issues.duplicate(`${at}.type`, type)
  const names = new Set<string>()
  const container = type === 'Pod' || type === 'Container'
  for (const key of AMOUNTS) {
    if (type === 'Pod' && (key === 'default' || key === 'defaultRequest')) {
      if (Object.keys(item[key] ?? {}).length > 0) {
        issues.forbidden(`${at}.${key}`, "may not be specified when `type` is 'Pod'")
      }
      continue
    }
    for (const name of Object.keys(item[key] ?? {})) {
      if (container) validateContainerResourceName(name, `${at}.${key}[${name}]`, issues)
      else validateResourceName(name, `${at}.${key}[${name}]`, issues)
      names.add(name)
    }
  }
  if (type === 'PersistentVolumeClaim' && item.min?.['storage'] === undefined && item.max?.['storage'] === undefined) {
    const detail = 'either minimum or maximum storage value is required, but neither was provided'
    issues.required(`${at}.limits`, detail)
  }
  for (const name of names) validateAmounts(item, name, at, issues)
}

/** What is more than something else though it must not be: the field that is blamed, whose value is shown, and the words for both. */
type Order = readonly [
  field: keyof LimitRangeItem,
  shown: Key,
  more: Key,
  moreText: string,
  less: Key,
  lessText: string,
]
type Key = 'min' | 'max' | 'default' | 'defaultRequest'

// The fields and values that upstream shows are not always those that it compares.
const ORDERS: readonly Order[] = [
  ['min', 'min', 'min', 'min value', 'max', 'max value'],
  ['defaultRequest', 'defaultRequest', 'min', 'min value', 'defaultRequest', 'default request value'],
  ['defaultRequest', 'defaultRequest', 'defaultRequest', 'default request value', 'max', 'max value'],
  ['defaultRequest', 'defaultRequest', 'defaultRequest', 'default request value', 'default', 'default limit value'],
  ['default', 'min', 'min', 'min value', 'default', 'default value'],
  ['default', 'max', 'default', 'default value', 'max', 'max value'],
]

function validateAmounts(item: LimitRangeItem, name: string, at: string, issues: Issues): void {
  const of = (key: Key | 'maxLimitRequestRatio'): string | undefined => {
    const amount = item[key]?.[name]
    return amount !== undefined && isQuantity(amount) ? amount : undefined
  }
  for (const [field, shown, moreKey, moreText, lessKey, lessText] of ORDERS) {
    const [more, less] = [of(moreKey), of(lessKey)]
    if (more === undefined || less === undefined || compareQuantities(more, less) <= 0) continue
    issues.invalid(`${at}.${field}[${name}]`, of(shown), `${moreText} ${more} is greater than ${lessText} ${less}`)
  }
  validateRatio(of('maxLimitRequestRatio'), of('min'), of('max'), `${at}.maxLimitRequestRatio[${name}]`, issues)
  const [limit, request] = [of('default'), of('defaultRequest')]
  if (isOvercommitAllowed(name) || limit === undefined || request === undefined) return
  if (compareQuantities(limit, request) === 0) return
  const detail = `default value ${limit} must equal to defaultRequest value ${request} in ${name}`
  issues.invalid(`${at}.defaultRequest[${name}]`, request, detail)
}

function validateRatio(
  ratio: string | undefined,
  min: string | undefined,
  max: string | undefined,
  at: string,
  issues: Issues,
): void {
  if (ratio === undefined) return
  if (compareQuantities(ratio, '1') < 0) issues.invalid(at, ratio, `ratio ${ratio} is less than 1`)
  if (min === undefined || max === undefined) return
  const most = Number(parseQuantity(max).nanos) / Number(parseQuantity(min).nanos)
  if (Number(parseQuantity(ratio).nanos) / 1e9 > most) {
    issues.invalid(at, ratio, `ratio ${ratio} is greater than max/min = ${most.toFixed(6)}`)
  }
}
