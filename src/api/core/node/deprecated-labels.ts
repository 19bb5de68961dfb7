// Labels of nodes that have newer names: what a selector by them is told.

const SUCCESSORS: Readonly<Record<string, readonly [since: string, successor: string]>> = {
  'beta.kubernetes.io/arch': ['v1.14', 'kubernetes.io/arch'],
  'beta.kubernetes.io/os': ['v1.14', 'kubernetes.io/os'],
  'failure-domain.beta.kubernetes.io/region': ['v1.17', 'topology.kubernetes.io/region'],
  'failure-domain.beta.kubernetes.io/zone': ['v1.17', 'topology.kubernetes.io/zone'],
  'beta.kubernetes.io/instance-type': ['v1.17', 'node.kubernetes.io/instance-type'],
}

/** The warning for a selector that names `label` at the path `at`; none for labels in use. */
export function deprecatedLabelWarnings(label: string, at: string): string[] {
  const found = Object.hasOwn(SUCCESSORS, label) ? SUCCESSORS[label] : undefined
  return found === undefined ? [] : [`${at}: deprecated since ${found[0]}; use ${JSON.stringify(found[1])} instead`]
}
