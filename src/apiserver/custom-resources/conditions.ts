// What the server says about a definition: which names it got, whether it is established, how its end goes. Pure.

import { rfc3339 } from '../../base/clock.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { approvalOf, isProtectedGroup } from '../../api/apiextensions/approval.ts'
import type { CustomResourceDefinition } from '../../api/apiextensions/custom-resource-definition.ts'
import type {
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
} from '../../api/apiextensions/fields.ts'

export type Definition = DeepReadonly<CustomResourceDefinition>
export type Names = DeepReadonly<CustomResourceDefinitionNames>
export type Condition = DeepReadonly<CustomResourceDefinitionCondition>

export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io'

export function conditionOf(definition: Definition, type: string): Condition | undefined {
  return definition.status?.conditions?.find((c) => c.type === type)
}

export function isTrue(definition: Definition, type: string): boolean {
  return conditionOf(definition, type)?.status === 'True'
}

/** The conditions with this one set; its time changes only with its status. */
export function withCondition(
  conditions: readonly Condition[],
  next: Omit<Condition, 'lastTransitionTime'>,
  nowMs: number,
): Condition[] {
  const old = conditions.find((c) => c.type === next.type)
  const kept = old?.status === next.status ? old.lastTransitionTime : undefined
  const made: Condition = { ...next, lastTransitionTime: kept ?? rfc3339(nowMs) }
  return old ? conditions.map((c) => (c === old ? made : c)) : [...conditions, made]
}

/** What is taken in a group, by all definitions of the group. */
export function takenNames(definitions: Iterable<Definition>): { resources: Set<string>; kinds: Set<string> } {
  const resources = new Set<string>()
  const kinds = new Set<string>()
  for (const { status } of definitions) {
    const names = status?.acceptedNames
    if (!names) continue
    for (const name of [names.plural, names.singular, ...(names.shortNames ?? [])]) if (name) resources.add(name)
    for (const kind of [names.kind, names.listKind]) if (kind) kinds.add(kind)
  }
  return { resources, kinds }
}

interface Naming {
  accepted: CustomResourceDefinitionNames
  condition: Omit<Condition, 'lastTransitionTime'>
}

const NO_NAMES: Names = { plural: '', kind: '' }

/** The names that a definition gets: those it has, and of those it asks for what nobody else has. */
export function nameIt(definition: Definition, taken: ReturnType<typeof takenNames>): Naming {
  const asked = definition.spec.names
  const had = definition.status?.acceptedNames ?? NO_NAMES
  const accepted = structuredClone(had) as CustomResourceDefinitionNames
  let conflict: { reason: string; message: string } | undefined
  const isFree = (name: string | undefined, mine: string | undefined, used: Set<string>): boolean =>
    name === mine || !used.has(name ?? '')
  const judge = (key: 'plural' | 'singular' | 'kind' | 'listKind', reason: string, used: Set<string>): void => {
    const name = asked[key]
    if (isFree(name, had[key], used)) {
      if (name !== undefined) accepted[key] = name
    } else conflict = { reason, message: `${JSON.stringify(name)} is already in use` }
  }
  judge('plural', 'PluralConflict', taken.resources)
  judge('singular', 'SingularConflict', taken.resources)
  const mine = had.shortNames ?? []
  const clashes = (asked.shortNames ?? []).filter((name) => !mine.includes(name) && taken.resources.has(name))
  if (clashes.length === 0) setList(accepted, 'shortNames', asked.shortNames)
  else {
    const texts = clashes.map((name) => `${JSON.stringify(name)} is already in use`)
    conflict = {
      reason: 'ShortNamesConflict',
      message: texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`,
    }
  }
  judge('kind', 'KindConflict', taken.kinds)
  judge('listKind', 'ListKindConflict', taken.kinds)
  setList(accepted, 'categories', asked.categories)
  const condition = conflict
    ? { type: 'NamesAccepted', status: 'False', ...conflict }
    : { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
  return { accepted, condition }
}

function setList(
  names: CustomResourceDefinitionNames,
  key: 'shortNames' | 'categories',
  value: readonly string[] | undefined,
): void {
  if (value === undefined) delete names[key]
  else names[key] = [...value]
}

/** Established once all names were accepted for the first time; later conflicts do not take it back. */
export function established(
  definition: Definition,
  namesAccepted: boolean,
): Omit<Condition, 'lastTransitionTime'> | undefined {
  if (isTrue(definition, 'Established')) return undefined
  return namesAccepted
    ? {
        type: 'Established',
        status: 'True',
        reason: 'InitialNamesAccepted',
        message: 'the initial names have been accepted',
      }
    : { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }
}

const APPROVAL_REASONS = {
  approved: 'ApprovedAnnotation',
  unapproved: 'UnapprovedAnnotation',
  missing: 'MissingAnnotation',
  invalid: 'InvalidAnnotation',
} as const

/** undefined: not a group of the community's. */
export function approval(definition: Definition): Omit<Condition, 'lastTransitionTime'> | undefined {
  if (!isProtectedGroup(definition.spec.group)) return undefined
  const { state, message } = approvalOf(definition.metadata.annotations)
  const status = state === 'approved' ? 'True' : 'False'
  return { type: 'KubernetesAPIApprovalPolicyConformant', status, reason: APPROVAL_REASONS[state], message }
}
