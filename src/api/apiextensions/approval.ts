// Groups of the community's own names are approved by it, or say that they are not.

export const APPROVAL_ANNOTATION = 'api-approved.kubernetes.io'
const POLICY = 'see https://github.com/kubernetes/enhancements/pull/1111'

export interface Approval {
  state: 'approved' | 'unapproved' | 'missing' | 'invalid'
  message: string
}

export function isProtectedGroup(group: string): boolean {
  return /(^|\.)(k8s|kubernetes)\.io$/.test(group)
}

export function approvalOf(annotations: Readonly<Record<string, string>> | undefined): Approval {
  const annotation = annotations?.[APPROVAL_ANNOTATION] ?? ''
  const must = `protected groups must have approval annotation ${JSON.stringify(APPROVAL_ANNOTATION)}`
  if (annotation === '') return { state: 'missing', message: `${must}, ${POLICY}` }
  if (annotation.startsWith('unapproved')) {
    return { state: 'unapproved', message: `not approved: ${JSON.stringify(annotation)}` }
  }
  if (URL.canParse(annotation) && new URL(annotation).host !== '') {
    return { state: 'approved', message: `approved in ${annotation}` }
  }
  return { state: 'invalid', message: `${must} with either a URL or a reason starting with "unapproved", ${POLICY}` }
}
