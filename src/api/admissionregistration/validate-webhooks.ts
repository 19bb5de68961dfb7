// Checks webhooks: their names, where they are to be reached, and what they say of themselves.

import type { Issues } from '../../apimachinery/issues.ts'
import {
  checkLabel1035,
  checkPort,
  checkSubdomain,
  checkValue,
  validateLabelSelector,
} from '../../apimachinery/validation.ts'
import { validateMatchConditions, validateRule } from './validate-rules.ts'
import type { MutatingWebhook, ServiceReference, ValidatingWebhook, WebhookClientConfig } from './webhook-fields.ts'

type Webhook = ValidatingWebhook | MutatingWebhook

interface Check {
  at: string
  issues: Issues
  /** Some had them before, by way of the beta, where they are legal. */
  mayHaveSideEffects: boolean
}

export function validateWebhooks(webhooks: readonly Webhook[], { at, ...check }: Check): void {
  webhooks.forEach((webhook, i) => {
    validateWebhook(webhook, { ...check, at: `${at}[${i}]` })
  })
}

const SIDE_EFFECTS = ['None', 'NoneOnDryRun']
const ANY_EFFECTS = [...SIDE_EFFECTS, 'Some', 'Unknown']

export function haveSideEffects(webhooks: readonly Webhook[] = []): boolean {
  return webhooks.some(({ sideEffects }) => sideEffects !== undefined && !SIDE_EFFECTS.includes(sideEffects))
}

function validateWebhook(webhook: Webhook, { at, issues, mayHaveSideEffects }: Check): void {
  validateFullName(webhook.name, `${at}.name`, issues)
  webhook.rules?.forEach((rule, i) => {
    validateRule(rule, `${at}.rules[${i}]`, issues)
  })
  const { sideEffects, timeoutSeconds: seconds } = webhook
  const legal = mayHaveSideEffects ? ANY_EFFECTS : SIDE_EFFECTS
  if (sideEffects === undefined) issues.required(`${at}.sideEffects`, `must specify one of ${SIDE_EFFECTS.join(', ')}`)
  else if (!legal.includes(sideEffects)) issues.notSupported(`${at}.sideEffects`, sideEffects, legal)
  if (seconds !== undefined && (seconds > 30 || seconds < 1)) {
    issues.invalid(`${at}.timeoutSeconds`, seconds, 'the timeout value must be between 1 and 30 seconds')
  }
  validateLabelSelector(webhook.namespaceSelector, `${at}.namespaceSelector`, issues)
  validateLabelSelector(webhook.objectSelector, `${at}.objectSelector`, issues)
  validateClientConfig(webhook.clientConfig, `${at}.clientConfig`, issues)
  validateMatchConditions(webhook.matchConditions ?? [], `${at}.matchConditions`, issues)
  validateReviewVersions(webhook.admissionReviewVersions, `${at}.admissionReviewVersions`, issues)
}

/** A domain of at least three parts. */
function validateFullName(name: string, at: string, issues: Issues): void {
  const problems = checkSubdomain(name)
  if (name === '') issues.required(at)
  else if (problems.length > 0) issues.invalid(at, name, problems.join(','))
  else if (name.split('.').length < 3) {
    issues.invalid(at, name, 'should be a domain with at least three segments separated by dots')
  }
}

/** The forms of a review that some server of this line has sent. */
const REVIEW_VERSIONS = ['v1', 'v1beta1']

function validateReviewVersions(versions: readonly string[], at: string, issues: Issues): void {
  const known = REVIEW_VERSIONS.join(', ')
  if (versions.length === 0) {
    issues.required(at, `must specify one of ${known}`)
    return
  }
  versions.forEach((version, i) => {
    if (versions.indexOf(version) < i) issues.invalid(`${at}[${i}]`, version, 'duplicate version')
    else checkValue(version, checkLabel1035, `${at}[${i}]`, issues)
  })
  if (!versions.some((version) => REVIEW_VERSIONS.includes(version))) {
    issues.invalid(at, versions, `must include at least one of ${known}`)
  }
}

function validateClientConfig({ url, service }: WebhookClientConfig, at: string, issues: Issues): void {
  if ((url === undefined) === (service === undefined)) {
    issues.required(at, 'exactly one of url or service is required')
  } else if (url !== undefined) validateWebhookUrl(url, `${at}.url`, issues)
  else if (service !== undefined) validateWebhookService(service, `${at}.service`, issues)
}

const FORM = '; desired format: https://host[/path]'
/** Scheme, authority, path, query, fragment (RFC 3986, appendix B). */
const URL_PARTS = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s

/** Whether the text is none of which an URL could be made. */
function urlProblem(url: string): string | undefined {
  const fail = (why: string): string => `url must be a valid URL: parse ${JSON.stringify(url)}: ${why}${FORM}`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\u0000-\u001f\u007f]/.test(url)) return fail('net/url: invalid control character in URL')
  if (url.startsWith(':')) return fail('missing protocol scheme')
  const broken = /%(?![0-9A-Fa-f]{2}).{0,2}/s.exec(url)
  return broken === null ? undefined : fail(`invalid URL escape ${JSON.stringify(broken[0])}`)
}

function validateWebhookUrl(url: string, at: string, issues: Issues): void {
  const problem = urlProblem(url)
  if (problem !== undefined) {
    issues.required(at, problem)
    return
  }
  const [, scheme = '', authority = '', , query = '', fragment = ''] = URL_PARTS.exec(url) ?? []
  const user = authority.includes('@') ? authority.slice(0, authority.lastIndexOf('@')) : undefined
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  if (scheme.toLowerCase() !== 'https') issues.invalid(at, scheme, `'https' is the only allowed URL scheme${FORM}`)
  if (host === '') issues.invalid(at, host, `host must be specified${FORM}`)
  if (user !== undefined) issues.invalid(at, user, 'user information is not permitted in the URL')
  if (fragment !== '') issues.invalid(at, fragment, 'fragments are not permitted in the URL')
  if (query !== '') issues.invalid(at, query, 'query parameters are not permitted in the URL')
}

function validateWebhookService(
  { name, namespace, path, port = 443 }: ServiceReference,
  at: string,
  issues: Issues,
): void {
  if (name === '') issues.required(`${at}.name`)
  if (namespace === '') issues.required(`${at}.namespace`)
  const problems = checkPort(port)
  if (problems.length > 0) issues.invalid(`${at}.port`, port, `port is not valid: ${problems.join(', ')}`)
  if (path !== undefined && path !== '' && path !== '/') validateWebhookPath(path, `${at}.path`, issues)
}

function validateWebhookPath(path: string, at: string, issues: Issues): void {
  if (path === '//') {
    issues.invalid(at, path, 'segment[0] may not be empty')
    return
  }
  if (!path.startsWith('/')) issues.invalid(at, path, "must start with a '/'")
  const steps = path.slice(1).replace(/\/$/, '').split('/')
  steps.forEach((step, i) => {
    if (step === '') issues.invalid(at, path, `segment[${i}] may not be empty`)
    else for (const problem of checkSubdomain(step)) issues.invalid(at, path, `segment[${i}]: ${problem}`)
  })
}
