// Webhook configurations in their beta: a webhook is forgiven, waited for and suspected for longer.

import type { AnyObject } from '../../apimachinery/metadata.ts'
import { isObject } from '../../apimachinery/objects.ts'
import { list, oneOf, string, type Struct } from '../../apimachinery/schema.ts'
import { type View, variantOf } from '../../apimachinery/view.ts'

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

/** How they are listed, in every version. */
export const webhookList = {
  list: 'map',
  keys: ['name'],
  mergeKey: 'name',
  strategy: 'merge',
  unique: true,
} as const

/** They may be said here; whether they are legal at all, the field's own values tell. */
const SIDE_EFFECTS = ['Unknown', 'Some'].map((value) => `Unsupported value: ${JSON.stringify(value)}`)

export const webhookViews = (name: string, of: Struct): readonly View[] => [
  {
    version: 'v1beta1',
    deprecated: { since: '1.16', removed: '1.22' },
    fields: {
      webhooks: list(
        2,
        variantOf(of, `io.k8s.api.admissionregistration.v1beta1.${name}`, {
          sideEffects: oneOf(6, ['Unknown', 'None', 'Some', 'NoneOnDryRun']),
          admissionReviewVersions: list(8, string(), { list: 'atomic', nilable: false }),
        }),
        { ...webhookList, nilable: false },
      ),
    },
    defaults,
    permits: ({ field, message }) =>
      field.endsWith('.sideEffects') && SIDE_EFFECTS.some((known) => message.startsWith(known)),
  },
]
