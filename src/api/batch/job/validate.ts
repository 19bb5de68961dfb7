// Checks what a job asks for, and what may change once it exists: how many pods at a time, and little else.

import type { Issues } from '../../../apimachinery/issues.ts'
import { cloneJson } from '../../../apimachinery/objects.ts'
import { selectorOf } from '../../../apimachinery/selectors/labels.ts'
import { checkLabel, sameJson, validateImmutable, validateLabelSelector } from '../../../apimachinery/validation.ts'
import type { Container } from '../../core/pod/container.ts'
import type { PodTemplateSpec } from '../../core/pod/template.ts'
import { SELECTOR_MISMATCH } from '../../core/pod/validate-template.ts'
import { validateDomainPrefixedPath } from '../../domain-prefixed-path.ts'
import type { JobSpec } from './fields.ts'
import type { Job } from './job.ts'
import { generatedLabels } from './selector.ts'
import { validatePodFailurePolicy, validateSuccessPolicy } from './validate-policies.ts'

const MAX_PARALLELISM = 100_000
const MAX_FAILED_INDEXES = 100_000
const MANY_COMPLETIONS = 100_000
/** The bound of parallelism and failed indexes when there are many completions, each with retries of its own. */
const MAX_WHEN_MANY = 10_000
const MAX_MANAGED_BY_BYTES = 63

export function validateJob(job: Job, issues: Issues): void {
  const { metadata, spec } = job
  if (spec.manualSelector !== true && spec.selector !== undefined) validateGeneratedSelector(job, issues)
  validateJobSpec(spec, 'spec', issues)
  validateLabelSelector(spec.selector, 'spec.selector', issues)
  if (spec.selector === undefined) issues.required('spec.selector')
  const labels = spec.template.metadata?.labels ?? {}
  if (spec.selector === undefined || !selectorOf(spec.selector).matches(labels)) {
    issues.invalid('spec.template.metadata.labels', labels, SELECTOR_MISMATCH)
  }
  const { completions = 0 } = spec
  if (spec.completionMode !== 'Indexed' || completions <= 0) return
  const longest = `${metadata.name}-${completions - 1}`
  if (checkLabel(longest).length > 0) {
    issues.invalid('metadata.name', metadata.name, `will not able to create pod with invalid DNS label: ${longest}`)
  }
}

function validateGeneratedSelector({ metadata, spec }: Job, issues: Issues): void {
  const expected = generatedLabels(metadata.name, metadata.uid ?? '')
  const labels = spec.template.metadata?.labels ?? {}
  for (const [key, value] of Object.entries(expected)) {
    const at = 'spec.template.metadata.labels'
    const actual = Object.hasOwn(labels, key) ? labels[key] : undefined
    if (actual === undefined) issues.required(`${at}[${key}]`, `must be '${value}'`)
    else if (actual !== value) issues.invalid(`${at}[${key}]`, labels, `must be '${value}'`)
  }
  if (spec.selector !== undefined && !selectorOf(spec.selector).matches(expected)) {
    issues.invalid('spec.selector', spec.selector, '`selector` not auto-generated')
  }
}

/** What holds for a job and for the template of one alike. */
export function validateJobSpec(spec: JobSpec, at: string, issues: Issues): void {
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    issues.required(`${at}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified')
  }
  if (spec.managedBy !== undefined) {
    validateDomainPrefixedPath(spec.managedBy, `${at}.managedBy`, issues)
    if (spec.managedBy.length > MAX_MANAGED_BY_BYTES) issues.tooLong(`${at}.managedBy`, MAX_MANAGED_BY_BYTES)
  }
  validateIndexed(spec, at, issues)
  if (spec.podFailurePolicy !== undefined) validatePodFailurePolicy(spec, at, issues)
  if (spec.successPolicy !== undefined) {
    if (spec.completionMode === 'Indexed') validateSuccessPolicy(spec, at, issues)
    else issues.invalid(`${at}.successPolicy`, spec.successPolicy, 'requires indexed completion mode')
  }
  validateReplacement(spec, at, issues)
  validateRestart(spec, at, issues)
}

function validateIndexed(spec: JobSpec, at: string, issues: Issues): void {
  const { completions, parallelism = 0, maxFailedIndexes, backoffLimitPerIndex } = spec
  if (spec.completionMode !== 'Indexed') {
    for (const key of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
      if (spec[key] !== undefined) issues.invalid(`${at}.${key}`, spec[key], 'requires indexed completion mode')
    }
    return
  }
  if (completions === undefined) issues.required(`${at}.completions`, 'when completion mode is Indexed')
  if (parallelism > MAX_PARALLELISM) {
    const bound = `must be less than or equal to ${MAX_PARALLELISM} when completion mode is Indexed`
    issues.invalid(`${at}.parallelism`, parallelism, bound)
  }
  if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions) {
    issues.invalid(`${at}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to completions')
  }
  if (maxFailedIndexes !== undefined && maxFailedIndexes > MAX_FAILED_INDEXES) {
    issues.invalid(`${at}.maxFailedIndexes`, maxFailedIndexes, `must be less than or equal to ${MAX_FAILED_INDEXES}`)
  }
  if (backoffLimitPerIndex === undefined || completions === undefined || completions <= MANY_COMPLETIONS) return
  if (maxFailedIndexes === undefined) {
    issues.required(`${at}.maxFailedIndexes`, `must be specified when completions is above ${MANY_COMPLETIONS}`)
  }
  const bound = `must be less than or equal to ${MAX_WHEN_MANY} when completions are above ${MANY_COMPLETIONS} and used with backoff limit per index`
  if (parallelism > MAX_WHEN_MANY) issues.invalid(`${at}.parallelism`, parallelism, bound)
  if (maxFailedIndexes !== undefined && maxFailedIndexes > MAX_WHEN_MANY) {
    issues.invalid(`${at}.maxFailedIndexes`, maxFailedIndexes, bound)
  }
}

function validateReplacement(spec: JobSpec, at: string, issues: Issues): void {
  const policy = spec.podReplacementPolicy
  if (policy === undefined) return
  const supported = spec.podFailurePolicy === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed']
  if (!supported.includes(policy)) issues.notSupported(`${at}.podReplacementPolicy`, policy, supported)
}

function validateRestart({ template, podFailurePolicy }: JobSpec, at: string, issues: Issues): void {
  const here = `${at}.template.spec.restartPolicy`
  const policy = template.spec.restartPolicy ?? 'Always'
  if (policy === 'Always') issues.required(here, 'valid values: "OnFailure", "Never"')
  else if (policy !== 'OnFailure' && policy !== 'Never') issues.notSupported(here, policy, ['OnFailure', 'Never'])
  else if (podFailurePolicy !== undefined && policy !== 'Never') {
    issues.invalid(here, policy, 'only "Never" is supported when podFailurePolicy is specified')
  }
}

const IMMUTABLE_FIELDS = [
  'completionMode',
  'podFailurePolicy',
  'backoffLimitPerIndex',
  'managedBy',
  'successPolicy',
] as const

export function validateJobUpdate({ spec }: Job, previous: Job, issues: Issues): void {
  const was = previous.spec
  validateCompletions(spec, was, issues)
  validateImmutable(spec.selector, was.selector, 'spec.selector', issues)
  const template = isHeld(previous) ? withMutable(was.template, spec.template) : was.template
  validateImmutable(spec.template, template, 'spec.template', issues)
  for (const key of IMMUTABLE_FIELDS) validateImmutable(spec[key], was[key], `spec.${key}`, issues)
}

/** A job whose indexes count may grow and shrink, as long as all of them may run at a time. */
function validateCompletions(spec: JobSpec, was: JobSpec, issues: Issues): void {
  const { completions, parallelism } = spec
  if (spec.completionMode !== 'Indexed') validateImmutable(completions, was.completions, 'spec.completions', issues)
  else if (completions !== undefined && completions !== was.completions && completions !== parallelism) {
    issues.invalid('spec.completions', completions, 'can only be modified in tandem with spec.parallelism')
  }
}

/** Suspended, with no pod left that was made from the template. */
function isHeld({ spec, status }: Job): boolean {
  return spec.suspend === true && (status?.startTime === undefined || (status.active ?? 0) === 0)
}

/** The previous template with what queues may still decide for pods that do not run yet: where, and with how much. */
function withMutable(previous: PodTemplateSpec, next: PodTemplateSpec): PodTemplateSpec {
  const template: PodTemplateSpec = cloneJson(previous)
  take(template.spec, next.spec, ['nodeSelector', 'tolerations', 'schedulingGates'])
  template.metadata ??= {}
  take(template.metadata, next.metadata ?? {}, ['annotations', 'labels'])
  takeNodeAffinity(template, next)
  takeResources(template.spec.containers, next.spec.containers)
  takeResources(template.spec.initContainers, next.spec.initContainers)
  return template
}

function take<T extends object>(into: T, from: T, keys: readonly (keyof T)[]): void {
  for (const key of keys) {
    if (from[key] === undefined) delete into[key]
    else into[key] = from[key]
  }
}

function takeNodeAffinity({ spec }: PodTemplateSpec, next: PodTemplateSpec): void {
  const wanted = next.spec.affinity?.nodeAffinity
  const { nodeAffinity: _, ...others } = spec.affinity ?? {}
  const affinity = wanted === undefined ? others : { ...others, nodeAffinity: wanted }
  // An affinity that says nothing and none are told apart only by what the client sends.
  if (next.spec.affinity === undefined && sameJson(affinity, {})) delete spec.affinity
  else if (next.spec.affinity !== undefined || spec.affinity !== undefined) spec.affinity = affinity
}

function takeResources(into: Container[] | undefined, from: readonly Container[] | undefined): void {
  into?.forEach((container, i) => {
    const other = from?.[i]
    if (other !== undefined && other.name === container.name) take(container, other, ['resources'])
  })
}
