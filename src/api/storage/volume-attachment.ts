// VolumeAttachment: a volume that shall be attached to a node, and whether it is.

import type { Issues } from '../../apimachinery/issues.ts'
import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { bool, int32, mapOf, ref, required, string, struct, time } from '../../apimachinery/schema.ts'
import { checkSubdomain, checkValue, validateImmutable } from '../../apimachinery/validation.ts'
import { validateDriverName } from '../core/driver-name.ts'
import { persistentVolumeSpec } from '../core/persistent-volume/persistent-volume.ts'

const V1 = 'io.k8s.api.storage.v1'

export const volumeAttachmentSource = struct(`${V1}.VolumeAttachmentSource`, {
  persistentVolumeName: string(1),
  inlineVolumeSpec: ref(2, persistentVolumeSpec),
})
export interface VolumeAttachmentSource extends TypeOf<typeof volumeAttachmentSource> {}

export const volumeAttachmentSpec = struct(`${V1}.VolumeAttachmentSpec`, {
  attacher: required(string(1, { default: '' })),
  source: required(ref(2, volumeAttachmentSource, { default: {} })),
  nodeName: required(string(3, { default: '' })),
})
export interface VolumeAttachmentSpec extends TypeOf<typeof volumeAttachmentSpec> {}

export const volumeError = struct(`${V1}.VolumeError`, {
  time: time(1),
  message: string(2),
  errorCode: int32(3),
})
export interface VolumeError extends TypeOf<typeof volumeError> {}

export const volumeAttachmentStatus = struct(`${V1}.VolumeAttachmentStatus`, {
  attached: required(bool(1, { default: false })),
  attachmentMetadata: mapOf(2, string()),
  attachError: ref(3, volumeError),
  detachError: ref(4, volumeError),
})
export interface VolumeAttachmentStatus extends TypeOf<typeof volumeAttachmentStatus> {}

const volumeAttachmentFields = {
  spec: required(ref(2, volumeAttachmentSpec, { default: {} })),
  status: ref(3, volumeAttachmentStatus, { default: {} }),
}
export interface VolumeAttachment extends ObjectWith<typeof volumeAttachmentFields> {}

const MAX_METADATA_BYTES = 256 * 1024
const MAX_MESSAGE_BYTES = 1024
const MAX_INT32 = 2 ** 31 - 1

function validateSource(
  { persistentVolumeName: name, inlineVolumeSpec: inline }: VolumeAttachmentSource,
  issues: Issues,
): void {
  const at = 'spec.source'
  const one = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'
  if (name === undefined && inline === undefined) issues.required(at, one)
  else if (name !== undefined && inline !== undefined) issues.forbidden(at, one)
  else if (name === '') issues.required(`${at}.persistentVolumeName`, 'must specify non empty persistentVolumeName')
  if (name !== undefined) checkValue(name, checkSubdomain, `${at}.persistentVolumeName`, issues)
}

function validateStatus({ attachmentMetadata = {}, ...status }: Partial<VolumeAttachmentStatus>, issues: Issues): void {
  const bytes = Object.entries(attachmentMetadata).flat().join('')
  if (Buffer.byteLength(bytes) > MAX_METADATA_BYTES) issues.tooLong('status.attachmentMetadata', MAX_METADATA_BYTES)
  for (const field of ['attachError', 'detachError'] as const) {
    const { message = '', errorCode = 0 } = status[field] ?? {}
    // The limit that is told is upstream's mistake: it is the one of the metadata.
    if (Buffer.byteLength(message) > MAX_MESSAGE_BYTES) issues.tooLong(`status.${field}.message`, MAX_METADATA_BYTES)
    if (errorCode < 0) {
      issues.invalid(`status.${field}.errorCode`, errorCode, `must be between 0 and ${MAX_INT32}, inclusive`)
    }
  }
}

export const volumeAttachments = defineResource({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  plural: 'volumeattachments',
  scope: 'Cluster',
  unconditionalUpdate: false,
  generation: false,
  subresources: { status: true },
  model: `${V1}.VolumeAttachment`,
  views: [{ version: 'v1beta1', deprecated: { since: '1.19', removed: '1.22' } }],
  fields: volumeAttachmentFields,
  columns: [
    { name: 'Attacher', format: 'name', description: 'Who attaches it.', cell: ({ spec }) => spec.attacher },
    { name: 'PV', description: 'The volume.', cell: ({ spec }) => spec.source.persistentVolumeName ?? '' },
    { name: 'Node', description: 'The node.', cell: ({ spec }) => spec.nodeName },
    {
      name: 'Attached',
      type: 'boolean',
      description: 'Whether it is attached.',
      cell: ({ status }) => status?.attached ?? false,
    },
  ],
  validate({ spec, status }, issues) {
    validateDriverName(spec.attacher, 'spec.attacher', issues)
    validateSource(spec.source, issues)
    checkValue(spec.nodeName, checkSubdomain, 'spec.nodeName', issues)
    if (status !== undefined) validateStatus(status, issues)
  },
  validateUpdate(next, previous, issues) {
    validateImmutable(next.spec, previous.spec, 'spec', issues)
  },
  validateStatusUpdate({ status }, _previous, issues) {
    if (status !== undefined) validateStatus(status, issues)
  },
})
