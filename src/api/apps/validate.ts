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
  if (selector !== undefined && !isEmptySelector(selector) && !selectorOf(selector).matches(labels)) {
    issues.invalid(`${at}.template.metadata.labels`, labels, SELECTOR_MISMATCH)
  }
  validateRunningTemplate(template, kind, `${at}.template`, issues)
}

interface Rolling {
  maxUnavailable?: number | string
  maxSurge?: number | string
}

export function validateRollingUpdate({ maxUnavailable = 0, maxSurge = 0 }: Rolling, at: string, issues: Issues): void {
  validateShare(maxUnavailable, `${at}.maxUnavailable`, issues)
  validateShare(maxSurge, `${at}.maxSurge`, issues)
  if (isNone(maxUnavailable) && isNone(maxSurge)) {
    issues.invalid(`${at}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0')
  }
  if (typeof maxUnavailable === 'string' && Number.parseInt(maxUnavailable, 10) > 100) {
    issues.invalid(`${at}.maxUnavailable`, maxUnavailable, 'must not be greater than 100%')
  }
}

function isNone(share: number | string): boolean {
  return share === 0 || /^0+%$/.test(String(share))
}

/** A number of pods, or a percentage of them. */
function validateShare(share: number | string, at: string, issues: Issues): void {
  if (typeof share === 'number') {
    if (share < 0) issues.invalid(at, share, NEGATIVE)
  } else for (const problem of checkPercent(share)) issues.invalid(at, share, problem)
}

function isEmptySelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0
}
