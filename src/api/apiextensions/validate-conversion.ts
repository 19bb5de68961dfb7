// Checks how a CRD's versions are converted. Upstream's paths are those of its internal type, in which the webhook's parts stand side by side.

import type { Issues } from '../../apimachinery/issues.ts'
import { checkLabel1035, checkSubdomain } from '../../apimachinery/names.ts'
import type { CustomResourceConversion, ServiceReference, WebhookClientConfig } from './fields.ts'

const STRATEGIES = ['None', 'Webhook']
const REVIEW_VERSIONS = ['v1', 'v1beta1']

export function validateConversion(conversion: CustomResourceConversion, at: string, issues: Issues): void {
  const { strategy, webhook } = conversion
  if (strategy === '' || strategy === undefined) issues.required(`${at}.strategy`)
  else if (!STRATEGIES.includes(strategy)) issues.notSupported(`${at}.strategy`, strategy, STRATEGIES)
  if (strategy !== 'Webhook') {
    if (webhook === undefined) return
    const message = 'should not be set when strategy is not set to Webhook'
    if (webhook.clientConfig !== undefined) issues.forbidden(`${at}.webhookClientConfig`, message)
    if (webhook.conversionReviewVersions.length > 0) issues.forbidden(`${at}.conversionReviewVersions`, message)
    return
  }
  const config = webhook?.clientConfig
  if (config === undefined) issues.required(`${at}.webhookClientConfig`, 'required when strategy is set to Webhook')
  else validateClientConfig(config, `${at}.webhookClientConfig`, issues)
  validateReviewVersions(webhook?.conversionReviewVersions ?? [], `${at}.conversionReviewVersions`, issues)
}

function validateClientConfig({ url, service, caBundle }: WebhookClientConfig, at: string, issues: Issues): void {
  if ((url === undefined) === (service === undefined)) {
    issues.required(at, 'exactly one of url or service is required')
  } else if (url !== undefined) validateUrl(url, `${at}.url`, issues)
  else if (service !== undefined) validateService(service, `${at}.service`, issues)
  if (caBundle !== undefined && caBundle !== '' && !isBundle(caBundle)) {
    const detail = 'unable to load root certificates: unable to parse bytes as PEM block'
    issues.invalid(`${at}.caBundle`, caBundle, detail)
  }
}

function isBundle(base64: string): boolean {
  return Buffer.from(base64, 'base64').includes('-----BEGIN CERTIFICATE-----')
}

const FORM = '; desired format: https://host[/path]'

function validateUrl(text: string, at: string, issues: Issues): void {
  if (!URL.canParse(text)) {
    issues.required(at, `url must be a valid URL: parse ${JSON.stringify(text)}: invalid URI for request${FORM}`)
    return
  }
  const url = new URL(text)
  if (url.protocol !== 'https:') {
    issues.invalid(at, url.protocol.replace(':', ''), `'https' is the only allowed URL scheme${FORM}`)
  }
  if (url.host === '') issues.invalid(at, url.host, `host must be specified${FORM}`)
  if (url.username !== '') issues.invalid(at, url.username, 'user information is not permitted in the URL')
  if (url.hash.length > 1) issues.invalid(at, url.hash.slice(1), 'fragments are not permitted in the URL')
  if (url.search.length > 1) issues.invalid(at, url.search.slice(1), 'query parameters are not permitted in the URL')
}

function validateService({ name, namespace, path, port = 443 }: ServiceReference, at: string, issues: Issues): void {
  if (name === '') issues.required(`${at}.name`)
  if (namespace === '') issues.required(`${at}.namespace`)
  if (port < 1 || port > 65_535) {
    issues.invalid(`${at}.port`, port, 'port is not valid: must be between 1 and 65535, inclusive')
  }
  if (path === undefined || path === '' || path === '/') return
  if (path === '//') {
    issues.invalid(`${at}.path`, path, 'segment[0] may not be empty')
    return
  }
  if (!path.startsWith('/')) issues.invalid(`${at}.path`, path, "must start with a '/'")
  path
    .slice(1)
    .replace(/\/$/, '')
    .split('/')
    .forEach((step, i) => {
      if (step === '') issues.invalid(`${at}.path`, path, `segment[${i}] may not be empty`)
      else for (const problem of checkSubdomain(step)) issues.invalid(`${at}.path`, path, `segment[${i}]: ${problem}`)
    })
}

function validateReviewVersions(versions: readonly string[], at: string, issues: Issues): void {
  if (versions.length === 0) {
    issues.required(at)
    return
  }
  versions.forEach((version, i) => {
    if (versions.indexOf(version) < i) issues.invalid(`${at}[${i}]`, version, 'duplicate version')
    else for (const problem of checkLabel1035(version)) issues.invalid(`${at}[${i}]`, version, problem)
  })
  if (!versions.some((version) => REVIEW_VERSIONS.includes(version))) {
    issues.invalid(at, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`)
  }
}
