// Checks the names of drivers, of volumes and of devices alike: a domain of at most 63 characters, in any case.

import type { Issues } from '../../apimachinery/issues.ts'
import { checkSubdomain } from '../../apimachinery/validation.ts'

const MAX_LENGTH = 63
const WORDS = {
  sensitive:
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start",
  caseless: "an RFC 1123 subdomain must consist of alphanumeric characters, '-' or '.', and must start",
}

export function validateDriverName(name: string, at: string, issues: Issues): void {
  if (name === '') issues.required(at)
  if (name.length > MAX_LENGTH) issues.tooLong(at, MAX_LENGTH)
  for (const problem of checkSubdomain(name.toLowerCase())) {
    const text = problem.replace(WORDS.sensitive, WORDS.caseless).replace("'example.com'", "'Example.com'")
    issues.invalid(at, name, text)
  }
}
