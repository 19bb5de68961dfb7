// Webhook configurations in their beta: a webhook is forgiven, waited for and suspected for longer.

import type { AnyObject } from '../../apimachinery/metadata.ts'
import { isObject } from '../../apimachinery/objects.ts'
import type { View } from '../../apimachinery/view.ts'

function defaults({ webhooks }: AnyObject): void {
  if (!Array.isArray(webhooks)) return
  for (const webhook of webhooks as readonly unknown[]) {
    if (!isObject(webhook)) continue
    webhook['failurePolicy'] ??= 'Ignore'
    webhook['matchPolicy'] ??= 'Exact'
    webhook['sideEffects'] ??= 'Unknown'
    webhook['timeoutSeconds'] ??= 30
    const { admissionReviewVersions: versions } = webhook
    if (!Array.isArray(versions) || versions.length === 0) webhook['admissionReviewVersions'] = ['v1beta1']
  }
}

/** They may be said here; whether they are legal at all, the field's own values tell. */
const SIDE_EFFECTS = ['Unknown', 'Some'].map((value) => `Unsupported value: ${JSON.stringify(value)}`)

export const webhookViews: readonly View[] = [
  {
    version: 'v1beta1',
    deprecated: { since: '1.16', removed: '1.22' },
    defaults,
    permits: ({ field, message }) =>
      field.endsWith('.sideEffects') && SIDE_EFFECTS.some((known) => message.startsWith(known)),
  },
]
