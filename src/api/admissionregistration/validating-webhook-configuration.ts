// ValidatingWebhookConfiguration: servers outside the cluster's own that are asked about requests and may refuse them.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { list } from '../../apimachinery/schema.ts'
import { GROUP, V1 } from './fields.ts'
import { haveSideEffects, validateWebhooks } from './validate-webhooks.ts'
import { validatingWebhook } from './webhook-fields.ts'
import { webhookList, webhookViews } from './webhook-views.ts'

const validatingWebhookConfigurationFields = {
  webhooks: list(2, validatingWebhook, webhookList),
}
export interface ValidatingWebhookConfiguration extends ObjectWith<typeof validatingWebhookConfigurationFields> {}

export const validatingWebhookConfigurations = defineResource({
  group: GROUP,
  version: 'v1',
  kind: 'ValidatingWebhookConfiguration',
  plural: 'validatingwebhookconfigurations',
  scope: 'Cluster',
  categories: ['api-extensions'],
  unconditionalUpdate: false,
  generation: true,
  model: `${V1}.ValidatingWebhookConfiguration`,
  views: webhookViews('ValidatingWebhook', validatingWebhook),
  fields: validatingWebhookConfigurationFields,
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
