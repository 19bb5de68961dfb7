// The certificates of the nodes of this machine: its cluster's authority is here, so they are issued, not asked for.

import { join } from 'node:path'
import type { CertificateSources } from '../base/node/certificates.ts'
import { ensureAuthority, ensureNodePki } from './pki.ts'
import { nodeDataOf, type Places, pkiOf } from './places.ts'
import { type ClusterState, readState } from './state.ts'

export function ensureNodes(places: Pick<Places, 'data'>, { nodes }: ClusterState, sources: CertificateSources): void {
  const authority = ensureAuthority(pkiOf(places), sources)
  for (const { name, address } of nodes)
    ensureNodePki(
      { authority, directory: join(nodeDataOf(places, name), 'pki') },
      { name, addresses: [address] },
      sources,
    )
}

/** By the server, while it runs; a server without a cluster around it has none. */
export function renewNodes(dataDirectory: string, sources: CertificateSources): void {
  const places = { name: '', run: '', data: dataDirectory }
  const state = readState(places)
  if (state) ensureNodes(places, state, sources)
}
