// Checks the taints of a node and what may not change on it.

import type { Issues } from '../../../apimachinery/issues.ts'
import { checkLabelValue, checkQualifiedName, checkValue } from '../../../apimachinery/validation.ts'
import type { Node } from './node.ts'

const EFFECTS = ['NoExecute', 'NoSchedule', 'PreferNoSchedule']

export function validateNode({ spec }: Node, issues: Issues): void {
  const seen = new Set<string>()
  spec?.taints?.forEach((taint, i) => {
    const at = `spec.taints[${i}]`
    const { key, value = '', effect } = taint
    if (key !== undefined) checkValue(key, checkQualifiedName, `${at}.key`, issues)
    checkValue(value, checkLabelValue, `${at}.value`, issues)
    if (effect === '') issues.required(`${at}.effect`)
    else if (effect !== undefined && !EFFECTS.includes(effect)) issues.notSupported(`${at}.effect`, effect, EFFECTS)
    if (seen.has(`${key}:${effect}`)) issues.duplicate(at, taint)
    seen.add(`${key}:${effect}`)
  })
}

export function validateNodeUpdate({ spec: next }: Node, { spec: previous }: Node, issues: Issues): void {
  const { podCIDR, podCIDRs = [], providerID } = previous ?? {}
  if (podCIDRs.length > 0 && podCIDRs.join() !== (next?.podCIDRs ?? []).join()) {
    issues.forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid')
  } else if (podCIDR !== undefined && podCIDRs.length === 0 && podCIDR !== next?.podCIDR) {
    issues.forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid')
  }
  if (providerID !== undefined && providerID !== '' && providerID !== next?.providerID) {
    issues.forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid')
  }
}
