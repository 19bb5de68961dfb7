// What the fields of a pod cannot say for themselves.

import type { Issues } from '../../../apimachinery/issues.ts'
import type { PodSpec } from './spec.ts'

export function validatePodSpec(_spec: PodSpec, _at: string, _issues: Issues): void {}
