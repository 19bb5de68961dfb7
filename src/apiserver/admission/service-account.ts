// ServiceAccount: a pod runs as an account of its namespace, and finds a token of it where every client library looks.

import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { type Random, nameSuffix } from '../../base/random.ts'
import type { Pod } from '../../api/core/pod/pod.ts'
import type { ServiceAccount } from '../../api/core/service-account.ts'
import type { AdmissionPlugin } from './admission.ts'

const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount'
/** One second over an hour less than the renewal would need: upstream's own figure. */
const TOKEN_SECONDS = 3607
const MIRROR = 'kubernetes.io/config.mirror'

export function serviceAccountAdmission(
  find: (namespace: string, name: string) => DeepReadonly<ServiceAccount> | undefined,
  random: Random,
): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    mutate({ operation, resource, subresource, object, namespace }) {
      if (operation !== 'CREATE' || resource.groupResource !== 'pods' || subresource !== '' || !object) return
      const pod = object as AnyObject & Pod
      if (!pod.spec || pod.metadata.annotations?.[MIRROR] !== undefined) return
      const { spec } = pod
      spec.serviceAccountName ||= 'default'
      spec.serviceAccount = spec.serviceAccountName
      const account = find(namespace, spec.serviceAccountName)
      if (!account) {
        const why = `error looking up service account ${namespace}/${spec.serviceAccountName}: serviceaccount ${JSON.stringify(spec.serviceAccountName)} not found`
        throw errors.forbidden(resource, pod.metadata.name ?? '', why)
      }
      if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
        spec.imagePullSecrets = account.imagePullSecrets.map((s) => ({ ...s }))
      }
      if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(pod, random)
    },
  }
}

function mountToken({ spec }: Pod, random: Random): void {
  if (!spec) return
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])]
  const wanting = containers.filter((c) => !c.volumeMounts?.some((m) => m.mountPath === MOUNT_PATH))
  if (wanting.length === 0) return
  const name = `kube-api-access-${nameSuffix(random)}`
  for (const container of wanting) {
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: MOUNT_PATH }]
  }
  spec.volumes = [
    ...(spec.volumes ?? []),
    {
      name,
      projected: {
        defaultMode: 0o644,
        sources: [
          { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
          { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
          {
            downwardAPI: {
              items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
            },
          },
        ],
      },
    },
  ]
}
