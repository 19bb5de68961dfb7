// What the kinds of the apps group check alike: selector, template, and the figures of a rolling update.

import type { Issues } from '../../apimachinery/issues.ts'
import type { LabelSelector } from '../../apimachinery/metadata.ts'
import { selectorOf } from '../../apimachinery/selectors/labels.ts'
import { checkPercent, NEGATIVE, validateLabelSelector } from '../../apimachinery/validation.ts'
import type { PodTemplateSpec } from '../core/pod/template.ts'
import { SELECTOR_MISMATCH, validateRunningTemplate } from '../core/pod/validate-template.ts'

interface Selecting {
  selector?: LabelSelector
  template?: PodTemplateSpec
}

/** The selector says something and fits the template, whose pods run for good. */
export function validateSelecting({ selector, template }: Selecting, kind: string, at: string, issues: Issues): void {
  validateLabelSelector(selector, `${at}.selector`, issues)
  if (selector !== undefined && isEmptySelector(selector)) {
    issues.invalid(`${at}.selector`, selector, `empty selector is invalid for ${kind.toLowerCase()}`)
  }
  if (template === undefined) {
    issues.required(`${at}.template`)
    return
  }
  const labels = template.metadata?.labels ?? {}
  // No selector selects nothing, an empty one everything.
  if (selector === undefined || !selectorOf(selector).matches(labels)) {
    issues.invalid(`${at}.template.metadata.labels`, labels, SELECTOR_MISMATCH)
  }
  validateRunningTemplate(template, kind, `${at}.template`, issues)
}

interface Rolling {
  maxUnavailable?: number | string
  maxSurge?: number | string
}

export function validateRollingUpdate({ maxUnavailable = 0, maxSurge = 0 }: Rolling, at: string, issues: Issues): void {
  validateAmount(maxUnavailable, `${at}.maxUnavailable`, issues)
  validateAmount(maxSurge, `${at}.maxSurge`, issues)
  if (isNone(maxUnavailable) && isNone(maxSurge)) {
    issues.invalid(`${at}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0')
  }
  validateWhole(maxUnavailable, `${at}.maxUnavailable`, issues)
}

/** Nodes have one pod or, while it is replaced, two: either the old one goes first or the new one comes first. */
export function validateDaemonSetStrategy(
  strategy: { type?: string; rollingUpdate?: Rolling } | undefined,
  at: string,
  issues: Issues,
): void {
  const { type, rollingUpdate } = strategy ?? {}
  if (type === 'OnDelete') return
  if (type !== 'RollingUpdate') {
    issues.notSupported(at, strategy, ['RollingUpdate', 'OnDelete'])
    return
  }
  const here = `${at}.rollingUpdate`
  if (rollingUpdate === undefined) {
    issues.required(here)
    return
  }
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate
  validateAmount(maxUnavailable, `${here}.maxUnavailable`, issues)
  validateAmount(maxSurge, `${here}.maxSurge`, issues)
  validateWhole(maxUnavailable, `${here}.maxUnavailable`, issues)
  validateWhole(maxSurge, `${here}.maxSurge`, issues)
  if (!isNone(maxUnavailable) && !isNone(maxSurge)) {
    issues.invalid(`${here}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero')
  } else if (isNone(maxUnavailable) && isNone(maxSurge)) {
    issues.required(`${here}.maxUnavailable`, 'cannot be 0 when maxSurge is 0')
  }
}

function isNone(share: number | string): boolean {
  return share === 0 || /^0+%$/.test(String(share))
}

/** A number of pods, or a percentage of them that is no more than all. */
export function validateShare(share: number | string, at: string, issues: Issues): void {
  validateAmount(share, at, issues)
  validateWhole(share, at, issues)
}

function validateAmount(share: number | string, at: string, issues: Issues): void {
  if (typeof share === 'number') {
    if (share < 0) issues.invalid(at, share, NEGATIVE)
  } else for (const problem of checkPercent(share)) issues.invalid(at, share, problem)
}

function validateWhole(share: number | string, at: string, issues: Issues): void {
  if (typeof share !== 'string' || checkPercent(share).length > 0) return
  if (Number.parseInt(share, 10) > 100) issues.invalid(at, share, 'must not be greater than 100%')
}

/** The names that clashed are counted, so that the next name is another one. */
export function validateCollisionCount(
  next: { collisionCount?: number } | undefined,
  previous: { collisionCount?: number } | undefined,
  issues: Issues,
): void {
  const was = previous?.collisionCount
  const { collisionCount } = next ?? {}
  if (was !== undefined && (collisionCount === undefined || collisionCount < was)) {
    issues.invalid('status.collisionCount', collisionCount ?? 0, 'cannot be decremented')
  }
}

function isEmptySelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0
}
