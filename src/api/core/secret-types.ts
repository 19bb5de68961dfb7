// What the well-known types of secrets must hold.

import type { Issues } from '../../apimachinery/issues.ts'
import type { ObjectMeta } from '../../apimachinery/metadata.ts'

interface TypedSecret {
  metadata: ObjectMeta
  type?: string
  data?: Record<string, string>
}

const ACCOUNT_NAME = 'kubernetes.io/service-account.name'
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
}

export function validateSecretType({ metadata, type = '', data = {} }: TypedSecret, issues: Issues): void {
  if (type === 'kubernetes.io/service-account-token' && (metadata.annotations?.[ACCOUNT_NAME] ?? '') === '') {
    issues.required(`metadata.annotations[${ACCOUNT_NAME}]`)
  }
  if (type === 'kubernetes.io/basic-auth' && data['username'] === undefined && data['password'] === undefined) {
    issues.required('data[username]')
    issues.required('data[password]')
  }
  const needed = Object.hasOwn(NEEDED, type) ? (NEEDED[type] ?? []) : []
  for (const key of needed) {
    const value = data[key]
    if (value === undefined) issues.required(`data[${key}]`)
    else if (key.startsWith('.docker') && !isJson(value)) {
      issues.invalid(`data[${key}]`, '<secret contents redacted>', 'invalid character in the contents')
    }
  }
}

function isJson(base64: string): boolean {
  try {
    JSON.parse(Buffer.from(base64, 'base64').toString())
    return true
  } catch {
    return false
  }
}
