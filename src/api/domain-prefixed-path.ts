// Names of somebody's own making: a domain and a path, `example.com/controller`.

import type { Issues } from '../apimachinery/issues.ts'
import { checkSubdomain, checkValue } from '../apimachinery/validation.ts'

const PATH = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"
const PATH_REGEX = new RegExp(`^${PATH}$`)

export function validateDomainPrefixedPath(text: string, at: string, issues: Issues): void {
  if (text === '') {
    issues.required(at)
    return
  }
  const slash = text.indexOf('/')
  const host = text.slice(0, Math.max(slash, 0))
  const path = text.slice(slash + 1)
  if (host === '' || path === '') {
    issues.invalid(at, text, 'must be a domain-prefixed path (such as "acme.io/foo")')
    return
  }
  checkValue(host, checkSubdomain, at, issues)
  if (!PATH_REGEX.test(path)) issues.invalid(at, path, `Invalid path (regex used for validation is '${PATH}')`)
}
