// Publishes the cluster's CA in every namespace, for pods to know the API server by.

import { isAlreadyExists } from '../../apimachinery/errors.ts'
import { cloneJson } from '../../apimachinery/objects.ts'
import { configMaps } from '../../api/core/config-map.ts'
import { namespaces } from '../../api/core/namespace.ts'
import { type Controller, defineController, watches } from '../controller.ts'
import { isGone, isNamespaceTerminating } from '../refusals.ts'

const NAME = 'kube-root-ca.crt'
const FILE = 'ca.crt'
const DESCRIPTION = 'kubernetes.io/description'
const DESCRIPTION_TEXT =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.'

/** `clusterCA` is PEM. */
export function rootCACertPublisher(clusterCA: string): Controller {
  return defineController({
    name: 'root-ca-cert-publisher',
    for: namespaces,
    watches: [
      watches({
        resource: configMaps,
        toKeys: ({ metadata: { name, namespace } }) => (name === NAME && namespace ? [{ name: namespace }] : []),
      }),
    ],
    async reconcile({ api, cache, signal }, key) {
      const namespace = cache.get(namespaces, key)
      if (namespace?.status?.phase !== 'Active' || namespace.metadata.deletionTimestamp !== undefined) return undefined
      const published = cache.get(configMaps, { namespace: key.name, name: NAME })
      const data = { [FILE]: clusterCA }
      try {
        if (published === undefined) {
          const metadata = { name: NAME, namespace: key.name, annotations: { [DESCRIPTION]: DESCRIPTION_TEXT } }
          await api.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data }, { signal })
        } else if (published.data?.[FILE] !== clusterCA || Object.keys(published.data).length > 1) {
          await api.update(configMaps, { ...cloneJson(published), data }, { signal })
        }
      } catch (error) {
        if (!isAlreadyExists(error) && !isNamespaceTerminating(error) && !isGone(error)) throw error
      }
      return undefined
    },
  })
}
