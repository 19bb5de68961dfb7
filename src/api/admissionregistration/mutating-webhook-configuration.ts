// MutatingWebhookConfiguration: servers outside the cluster's own that are asked about requests and may change them.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { list } from '../../apimachinery/schema.ts'
import { GROUP, V1 } from './fields.ts'
import { haveSideEffects, validateWebhooks } from './validate-webhooks.ts'
import { mutatingWebhook } from './webhook-fields.ts'
import { webhookList, webhookViews } from './webhook-views.ts'

const mutatingWebhookConfigurationFields = {
  webhooks: list(2, mutatingWebhook, webhookList),
}
export interface MutatingWebhookConfiguration extends ObjectWith<typeof mutatingWebhookConfigurationFields> {}

export const mutatingWebhookConfigurations = defineResource({
  group: GROUP,
  version: 'v1',
  kind: 'MutatingWebhookConfiguration',
  plural: 'mutatingwebhookconfigurations',
  scope: 'Cluster',
  categories: ['api-extensions'],
  unconditionalUpdate: false,
  generation: true,
  model: `${V1}.MutatingWebhookConfiguration`,
  views: webhookViews('MutatingWebhook', mutatingWebhook),
  fields: mutatingWebhookConfigurationFields,
  columns: [
    {
      name: 'Webhooks',
      type: 'integer',
      description: 'How many webhooks are asked.',
      cell: ({ webhooks = [] }) => webhooks.length,
    },
  ],
  validate({ webhooks = [] }, issues, previous) {
    validateWebhooks(webhooks, { at: 'webhooks', issues, mayHaveSideEffects: haveSideEffects(previous?.webhooks) })
  },
})
