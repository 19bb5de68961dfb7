// What a claim's volume is filled with: `dataSource`, which takes claims and snapshots only, and `dataSourceRef`, which takes anything.

import type { PersistentVolumeClaimSpec } from './spec.ts'

const SNAPSHOTS = 'snapshot.storage.k8s.io'

/** Drops what the cluster does not support. A claim that had a source keeps what its clients send. */
export function keepSources(spec: PersistentVolumeClaimSpec, previous?: PersistentVolumeClaimSpec): void {
  // Sources in other namespaces are an alpha feature of upstream, and off.
  if ((spec.dataSourceRef?.namespace ?? '') !== '' && previous?.dataSourceRef === undefined) delete spec.dataSourceRef
  if (previous?.dataSource !== undefined || previous?.dataSourceRef !== undefined) return
  if (spec.dataSourceRef !== undefined || spec.dataSource === undefined) return
  const { apiGroup = '', kind } = spec.dataSource
  const known =
    (kind === 'PersistentVolumeClaim' && apiGroup === '') || (kind === 'VolumeSnapshot' && apiGroup === SNAPSHOTS)
  if (!known) delete spec.dataSource
}

/** Both fields say the same, whichever was given. */
export function normalizeSources(spec: PersistentVolumeClaimSpec): void {
  const { dataSource, dataSourceRef } = spec
  if (dataSource !== undefined && dataSourceRef === undefined) spec.dataSourceRef = { ...dataSource }
  else if (dataSourceRef !== undefined && dataSource === undefined && (dataSourceRef.namespace ?? '') === '') {
    const { namespace: _, ...source } = dataSourceRef
    spec.dataSource = source
  }
}
