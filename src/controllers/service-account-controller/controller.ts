// Gives every namespace the service account that pods run as when they name none.

import { isAlreadyExists } from '../../apimachinery/errors.ts'
import { namespaces } from '../../api/core/namespace.ts'
import { serviceAccounts } from '../../api/core/service-account.ts'
import { defineController, watches } from '../controller.ts'
import { isGone, isNamespaceTerminating } from '../refusals.ts'

const DEFAULT = 'default'

export const serviceAccountController = defineController({
  name: 'service-account-controller',
  for: namespaces,
  watches: [
    watches({
      resource: serviceAccounts,
      toKeys: ({ metadata: { name, namespace } }) => (name === DEFAULT && namespace ? [{ name: namespace }] : []),
    }),
  ],
  async reconcile({ api, cache, signal }, key) {
    const namespace = cache.get(namespaces, key)
    if (namespace?.status?.phase !== 'Active' || namespace.metadata.deletionTimestamp !== undefined) return undefined
    const metadata = { name: DEFAULT, namespace: key.name }
    if (cache.get(serviceAccounts, metadata) !== undefined) return undefined
    try {
      await api.create(serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata }, { signal })
    } catch (error) {
      if (!isAlreadyExists(error) && !isNamespaceTerminating(error) && !isGone(error)) throw error
    }
    return undefined
  },
})
