// NamespaceLifecycle: nothing is created in a namespace that is not there or that is going, and the system's own namespaces stay.

import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { AdmissionPlugin } from './admission.ts'

const IMMORTAL = new Set(['default', 'kube-system', 'kube-public'])
/** Reviews of access are answered for namespaces that are not there, too. */
const ACCESS_REVIEWS = new Set(['localsubjectaccessreviews.authorization.k8s.io'])

export function namespaceLifecycle(find: (name: string) => DeepReadonly<AnyObject> | undefined): AdmissionPlugin {
  return {
    name: 'NamespaceLifecycle',
    validate({ operation, resource, namespace, name, subresource }) {
      if (resource.groupResource === 'namespaces') {
        if (operation === 'DELETE' && IMMORTAL.has(name))
          throw errors.forbidden(resource, name, 'this namespace may not be deleted')
        return
      }
      if (
        operation !== 'CREATE' ||
        namespace === '' ||
        subresource !== '' ||
        ACCESS_REVIEWS.has(resource.groupResource)
      )
        return
      const found = find(namespace)
      if (!found)
        throw errors.notFound(
          { group: '', plural: 'namespaces', kind: 'Namespace', groupResource: 'namespaces' },
          namespace,
        )
      if (!found.metadata.deletionTimestamp) return
      throw errors.forbidden(
        resource,
        name,
        `unable to create new content in namespace ${namespace} because it is being terminated`,
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      )
    },
  }
}
