// Whether rules give what other rules give: taken apart into single rights, each of which one rule must cover.

import type { PolicyRule } from './rbac.ts'

/** The single rights in `wanted` that no rule of `own` gives. */
export function uncovered(own: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap((rule) => [...single(rule)]).filter((right) => !own.some((rule) => covers(rule, right)))
}

/** One rule for every combination of verb, group, resource and name. */
function* single(rule: PolicyRule): Generator<PolicyRule> {
  for (const verb of rule.verbs) {
    for (const url of rule.nonResourceURLs ?? []) yield { verbs: [verb], nonResourceURLs: [url] }
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        const names = rule.resourceNames?.length ? rule.resourceNames.map((n) => [n]) : [undefined]
        for (const name of names)
          yield { verbs: [verb], apiGroups: [group], resources: [resource], ...(name ? { resourceNames: name } : {}) }
      }
    }
  }
}

function covers(
  rule: PolicyRule,
  { verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule,
): boolean {
  const has = (list: readonly string[] | undefined, value = ''): boolean =>
    list?.includes('*') === true || list?.includes(value) === true
  if (!has(rule.verbs, verbs[0])) return false
  const [url] = nonResourceURLs ?? []
  if (url !== undefined)
    return rule.nonResourceURLs?.some((u) => u === url || (u.endsWith('*') && url.startsWith(u.slice(0, -1)))) === true
  const [resource = ''] = resources ?? []
  const slash = resource.indexOf('/')
  const any = slash > 0 && rule.resources?.includes(`*${resource.slice(slash)}`) === true
  if (!has(rule.apiGroups, apiGroups?.[0]) || !(has(rule.resources, resource) || any)) return false
  return (
    !rule.resourceNames?.length || (resourceNames !== undefined && rule.resourceNames.includes(resourceNames[0] ?? ''))
  )
}
