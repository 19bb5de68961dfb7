// What the server warns of when it takes up a volume: plugins that are gone, and fields that others have replaced.

import { CLASS_ANNOTATION } from '../persistent-volume-claim/validate.ts'
import type { PersistentVolume } from './persistent-volume.ts'
import type { SourceName } from './sources.ts'

const MOUNT_OPTIONS = 'volume.beta.kubernetes.io/mount-options'

const GONE: Partial<Readonly<Record<SourceName, string>>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
}

export function volumeWarnings({ metadata: { annotations = {} }, spec }: PersistentVolume): string[] {
  const warnings: string[] = []
  if (annotations[CLASS_ANNOTATION] !== undefined) {
    warnings.push(
      `metadata.annotations[${CLASS_ANNOTATION}]: deprecated since v1.8; use "storageClassName" attribute instead`,
    )
  }
  if (annotations[MOUNT_OPTIONS] !== undefined) {
    warnings.push(
      `metadata.annotations[${MOUNT_OPTIONS}]: deprecated since v1.31; use "mountOptions" attribute instead`,
    )
  }
  if (spec.persistentVolumeReclaimPolicy === 'Recycle') {
    warnings.push(
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
    )
  }
  for (const [name, detail] of Object.entries(GONE)) if (name in spec) warnings.push(`spec.${name}: ${detail}`)
  return warnings
}
