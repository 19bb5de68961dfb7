// CSIDriver: what the cluster must know of a driver of volumes before it uses it.

import type { Issues } from '../../apimachinery/issues.ts'
import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { bool, int64, list, oneOf, ref, required, string, struct } from '../../apimachinery/schema.ts'
import { sameJson, validateImmutable } from '../../apimachinery/validation.ts'

export const tokenRequest = struct('io.k8s.api.storage.v1.TokenRequest', {
  audience: required(string(1, { default: '' })),
  expirationSeconds: int64(2),
})
export interface TokenRequest extends TypeOf<typeof tokenRequest> {}

export const csiDriverSpec = struct(
  'io.k8s.api.storage.v1.CSIDriverSpec',
  {
    attachRequired: bool(1, { default: true }),
    podInfoOnMount: bool(2, { default: false }),
    volumeLifecycleModes: list(3, oneOf(0, ['Persistent', 'Ephemeral']), { list: 'set', unchecked: true }),
    storageCapacity: bool(4, { default: false }),
    fsGroupPolicy: oneOf(5, ['ReadWriteOnceWithFSType', 'File', 'None'], { default: 'ReadWriteOnceWithFSType' }),
    tokenRequests: list(6, tokenRequest, { list: 'atomic' }),
    requiresRepublish: bool(7, { default: false }),
    seLinuxMount: bool(8, { default: false }),
    nodeAllocatableUpdatePeriodSeconds: int64(9),
    serviceAccountTokenInSecrets: bool(10),
    preventPodSchedulingIfMissing: bool(11),
  },
  {
    defaults(spec) {
      if ((spec.volumeLifecycleModes ?? []).length === 0) spec.volumeLifecycleModes = ['Persistent']
    },
  },
)
export interface CSIDriverSpec extends TypeOf<typeof csiDriverSpec> {}

const csiDriverFields = { spec: required(ref(2, csiDriverSpec, { default: {} })) }
export interface CSIDriver extends ObjectWith<typeof csiDriverFields> {}

const MIN_UPDATE_SECONDS = 10
const MIN_TOKEN_SECONDS = 600
const MAX_TOKEN_SECONDS = 2 ** 32
const MODES = ['Persistent', 'Ephemeral']

function validateTokens({ tokenRequests = [], serviceAccountTokenInSecrets }: CSIDriverSpec, issues: Issues): void {
  const audiences = new Set<string>()
  tokenRequests.forEach(({ audience, expirationSeconds: seconds }, i) => {
    const at = `spec.tokenRequests[${i}]`
    if (audiences.has(audience)) {
      issues.duplicate(`${at}.audience`, audience)
      return
    }
    audiences.add(audience)
    if (seconds === undefined) return
    if (seconds < MIN_TOKEN_SECONDS) {
      issues.invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes')
    }
    if (seconds > MAX_TOKEN_SECONDS) {
      issues.invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds')
    }
  })
  if (serviceAccountTokenInSecrets !== undefined && tokenRequests.length === 0) {
    const why = 'serviceAccountTokenInSecrets is set but no tokenRequests are specified'
    issues.invalid('spec.serviceAccountTokenInSecrets', serviceAccountTokenInSecrets, why)
  }
}

export const csiDrivers = defineResource({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  scope: 'Cluster',
  unconditionalUpdate: false,
  generation: false,
  model: 'io.k8s.api.storage.v1.CSIDriver',
  views: [{ version: 'v1beta1', deprecated: { since: '1.19', removed: '1.22' } }],
  fields: csiDriverFields,
  // Only these have always been open to change, and only they are counted, from nothing on.
  prepareUpdate(next, previous) {
    const counted = ['tokenRequests', 'requiresRepublish', 'seLinuxMount'] as const
    if (counted.every((field) => sameJson(next.spec[field], previous.spec[field]))) return
    next.metadata.generation = (previous.metadata.generation ?? 0) + 1
  },
  columns: [
    {
      name: 'AttachRequired',
      type: 'boolean',
      description: 'Whether a volume is attached to a node before it is mounted.',
      cell: ({ spec }) => spec.attachRequired ?? true,
    },
    {
      name: 'PodInfoOnMount',
      type: 'boolean',
      description: 'Whether the driver is told which pod it mounts for.',
      cell: ({ spec }) => spec.podInfoOnMount ?? false,
    },
    {
      name: 'StorageCapacity',
      type: 'boolean',
      description: 'Whether the driver says how much room is left.',
      cell: ({ spec }) => spec.storageCapacity ?? false,
    },
    {
      name: 'TokenRequests',
      description: 'For whom the driver gets tokens of the pod.',
      cell: ({ spec }) => spec.tokenRequests?.map(({ audience }) => audience).join(',') ?? '<unset>',
    },
    {
      name: 'RequiresRepublish',
      type: 'boolean',
      description: 'Whether the driver is called again and again for a mounted volume.',
      cell: ({ spec }) => spec.requiresRepublish ?? false,
    },
    {
      name: 'Modes',
      description: 'How long volumes live.',
      cell: ({ spec }) => spec.volumeLifecycleModes?.join(',') || '<none>',
    },
  ],
  validate({ spec }, issues) {
    validateTokens(spec, issues)
    for (const mode of spec.volumeLifecycleModes ?? []) {
      if (!MODES.includes(mode)) issues.notSupported('spec.volumeLifecycleModes', mode, MODES)
    }
    const { nodeAllocatableUpdatePeriodSeconds: period } = spec
    if (period !== undefined && period < MIN_UPDATE_SECONDS) {
      const why = 'must be greater than or equal to 10 seconds'
      issues.invalid('spec.nodeAllocatableUpdatePeriodSeconds', period, why)
    }
  },
  // The path is upstream's, as it is spelt there.
  validateUpdate({ spec: next }, { spec: previous }, issues) {
    validateImmutable(next.attachRequired, previous.attachRequired, 'spec.attachedRequired', issues)
    validateImmutable(next.volumeLifecycleModes, previous.volumeLifecycleModes, 'spec.volumeLifecycleModes', issues)
  },
})
