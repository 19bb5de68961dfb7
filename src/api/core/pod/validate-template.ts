// Checks the templates that controllers make pods from.

import type { Issues } from '../../../apimachinery/issues.ts'
import { validateAnnotations, validateLabels } from '../../../apimachinery/validation.ts'
import type { PodTemplateSpec } from './template.ts'

/** What any template must keep to; its spec is checked by its own rules. */
export function validateTemplate(template: PodTemplateSpec, at: string, issues: Issues): void {
  validateLabels(template.metadata?.labels, `${at}.metadata.labels`, issues)
  validateAnnotations(template.metadata?.annotations, `${at}.metadata.annotations`, issues)
  if ((template.spec.ephemeralContainers ?? []).length > 0) {
    issues.forbidden(`${at}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template')
  }
}

/** What the template of `kind`, which keeps pods running for good, must keep to. */
export function validateRunningTemplate(template: PodTemplateSpec, kind: string, at: string, issues: Issues): void {
  const { restartPolicy, activeDeadlineSeconds } = template.spec
  if (restartPolicy !== undefined && restartPolicy !== 'Always') {
    issues.notSupported(`${at}.spec.restartPolicy`, restartPolicy, ['Always'])
  }
  if (activeDeadlineSeconds !== undefined) {
    issues.forbidden(`${at}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${kind} is not Supported`)
  }
}

export const SELECTOR_MISMATCH = '`selector` does not match template `labels`'
