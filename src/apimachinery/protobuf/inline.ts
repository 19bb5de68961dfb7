// Which fields travel in a message of their own on the wire although JSON has them side by side with the others (Go: an embedded struct).

export interface Inline {
  /** The number of the message inside the outer one. */
  readonly number: number
  /** The fields that travel in it; with `except`, all but these. */
  readonly only?: readonly string[]
  readonly except?: readonly string[]
  /** A message inside the message. */
  readonly inner?: Inline
}

const REFERENCE: Inline = { number: 1, only: ['name'] }
const RULE: Inline = { number: 2, only: ['apiGroups', 'apiVersions', 'resources', 'scope'] }
const INGRESS_RULE: Inline = { number: 2, only: ['http'] }
const CORE = 'io.k8s.api.core.v1'
const DEVICES = 'io.k8s.api.resource.v1'
const ADMISSION = 'io.k8s.api.admissionregistration.v1'

/** By the OpenAPI name of the outer message. The fields' own numbers are those inside the inner message. */
export const INLINE_MESSAGES: Readonly<Record<string, Inline>> = {
  [`${CORE}.Volume`]: { number: 2, except: ['name'] },
  [`${CORE}.Probe`]: { number: 1, only: ['exec', 'httpGet', 'tcpSocket', 'grpc'] },
  [`${CORE}.EphemeralContainer`]: { number: 1, except: ['targetContainerName'] },
  [`${CORE}.ConfigMapEnvSource`]: REFERENCE,
  [`${CORE}.SecretEnvSource`]: REFERENCE,
  [`${CORE}.ConfigMapKeySelector`]: REFERENCE,
  [`${CORE}.SecretKeySelector`]: REFERENCE,
  [`${CORE}.ConfigMapProjection`]: REFERENCE,
  [`${CORE}.SecretProjection`]: REFERENCE,
  [`${CORE}.ConfigMapVolumeSource`]: REFERENCE,
  [`${CORE}.PersistentVolumeSpec`]: {
    number: 2,
    except: [
      'capacity',
      'accessModes',
      'claimRef',
      'persistentVolumeReclaimPolicy',
      'storageClassName',
      'mountOptions',
      'volumeMode',
      'nodeAffinity',
      'volumeAttributesClassName',
    ],
  },
  'io.k8s.api.networking.v1.IngressRule': INGRESS_RULE,
  'io.k8s.api.networking.v1beta1.IngressRule': INGRESS_RULE,
  'io.k8s.api.extensions.v1beta1.IngressRule': INGRESS_RULE,
  [`${DEVICES}.DeviceClaimConfiguration`]: { number: 2, only: ['opaque'] },
  [`${DEVICES}.DeviceClassConfiguration`]: { number: 1, only: ['opaque'] },
  [`${DEVICES}.DeviceAllocationConfiguration`]: { number: 3, only: ['opaque'] },
  [`${ADMISSION}.RuleWithOperations`]: RULE,
  [`${ADMISSION}.NamedRuleWithOperations`]: { number: 2, except: ['resourceNames'], inner: RULE },
}
