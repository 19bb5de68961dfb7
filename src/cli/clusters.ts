// Finds the cluster that a command is about, with what it takes to talk to it.

import { UserError } from '../base/node/user-error.ts'
import type { Administrator } from '../cluster/api.ts'
import { ensureAdmin } from '../cluster/pki.ts'
import { clusterNames, joinedNodes, type Places, pkiOf, placesOf } from '../cluster/places.ts'
import { type ClusterState, readState } from '../cluster/state.ts'
import { type Given, nameOf } from './command.ts'
import type { Session } from './session.ts'

export interface Found {
  readonly places: Places
  readonly state: ClusterState
}

export function findCluster(session: Session, given: Given): Found {
  return findNamed(session, nameOf(session, given))
}

export function findNamed(session: Session, name: string): Found {
  const places = placesOf(session.roots, name)
  const state = readState(places)
  if (state) return { places, state }
  if (joinedNodes(places).length > 0)
    throw new UserError(`"${name}" is a node of a cluster elsewhere, not a cluster`, {
      remedy: `use that cluster's kubeconfig; to take the node off this machine: drover down -n ${name}`,
    })
  const names = clusterNames(session.roots)
  throw new UserError(`There is no cluster "${name}"`, {
    remedy: names.length > 0 ? `there is: ${names.join(', ')}` : `start it: drover up -n ${name}`,
  })
}

export function administratorOf(session: Session, { places }: Found): Administrator {
  return ensureAdmin(pkiOf(places), session)
}
